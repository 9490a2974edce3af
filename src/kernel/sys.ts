import { FFIType, ptr } from "bun:ffi";
import { CrError, type Subject } from "../error.ts";
import { errnoName, errnoWords } from "./errno.ts";
import { openShim } from "./loader.ts";
import { syscallName } from "./nr.ts";

const I = FFIType.i64_fast;
/** What small files hold, for as long as it takes to read it out. */
const room = Buffer.from(new ArrayBuffer(65536));

const { symbols } = openShim({
  ts_syscall: { args: [I, I, I, I, I, I, I], returns: I },
  ts_i386_open: { args: [I, I], returns: I },
  ts_read_file: { args: [I, I, I, I, I], returns: I },
  ts_read_files: { args: [I, I, I, I, I], returns: I },
  ts_spawn: { args: [I, I, I, I, I, I], returns: I },
  ts_standby: { args: [I, I], returns: I },
  ts_deputy: { args: [I, I], returns: I },
  ts_envoy: { args: [I, I], returns: I },
  ts_reader: { args: [I, I], returns: I },
  ts_forerunner: { args: [I, I], returns: I },
  ts_gather: { args: [I], returns: I },
  ts_catch_signals: { args: [], returns: I },
  ts_interrupted: { args: [], returns: I },
  ts_cpuid: { args: [I, I, I], returns: I },
});

/**
 * One raw system call: the result, or the negative errno. Pointers are numbers (`addressOf`); what they point to must stay
 * alive until the call returns.
 */
export function sys(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return Number(symbols.ts_syscall(nr, a, b, c, d, e, f));
}

/**
 * open(2) as 32-bit programs of x86 make it: without O_LARGEFILE, which the kernel adds for all others. Only where it runs such
 * programs: elsewhere the call ends us.
 * @param path address of a string, below 4 GiB
 */
export function openAsI386(path: number, flags: number): number {
  return Number(symbols.ts_i386_open(path, flags));
}

/**
 * Reads a file from its beginning, in one go: how many bytes, all of `size` when there may be more, or the negative errno.
 * @param dir an open directory, or AT_FDCWD
 * @param name address of its name
 * @param into address of so many bytes
 * @param whole a first read that brings fewer bytes than these has brought all: the file's end need not be seen
 */
export function readFileAt(dir: number, name: number, into: number, size: number, whole = 0): number {
  return Number(symbols.ts_read_file(dir, name, into, size, whole));
}

/** Reads on in an open file, until so many bytes are there or its end is: how many, or the negative errno. */
export function readOn(fd: number, into: number, size: number): number {
  return Number(symbols.ts_read_file(fd, 0, into, size, 0));
}

/** Reads on in a list of pieces of a file: how many bytes, or the negative errno. @param pieces address of its `struct pieces` */
export function readPieces(pieces: number): number {
  return Number(symbols.ts_gather(pieces));
}

/**
 * Reads small files of a directory in one go, each up to 4 KiB.
 * @param dir an open directory
 * @returns what they hold, in the order of their names; undefined for one that cannot be read
 */
export function readFilesAt(dir: number, names: readonly string[]): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  while (found.length < names.length) {
    const left = names.slice(found.length);
    const list = Buffer.from(`${left.join("\0")}\0`, "latin1");
    const used = Number(symbols.ts_read_files(dir, ptr(list), left.length, ptr(room), room.length));
    for (let at = 0; at < used; ) {
      const length = room.readInt32LE(at);
      found.push(length < 0 ? undefined : room.toString("latin1", at + 4, at + 4 + length));
      at += 4 + ((Math.max(0, length) + 3) & ~3);
    }
  }
  return found;
}

/** The address of a view's first byte, for `sys`. */
export function addressOf(view: ArrayBufferView): number {
  return ptr(view as Uint8Array);
}

/** A NUL-terminated string for the kernel. Paths with a NUL byte are refused. */
export function cstring(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  if (bytes.includes(0))
    throw new CrError("a name with a NUL byte", { code: "EINVAL", subject: { path: String(text) } });
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  return out;
}

/** The CrError for a failed system call; `what` says what we wanted, in words. */
export function sysError(result: number, what: string, subject: Subject = {}, remedy?: string): CrError {
  return new CrError(`${what}: ${errnoWords(result)}`, { code: errnoName(result), subject, remedy });
}

/** The result of a system call, or the CrError that says what failed. */
export function check(result: number, what: string, subject: Subject = {}, remedy?: string): number {
  if (result < 0 && result >= -4095) throw sysError(result, what, subject, remedy);
  return result;
}

/** A system call that must succeed; the error names the call when `what` is left out. */
export function must(nr: number, args: readonly number[], what = syscallName(nr), subject: Subject = {}): number {
  const [a, b, c, d, e, f] = args;
  return check(sys(nr, a, b, c, d, e, f), what, subject);
}

/** What helps where the kernel starts no further process (EAGAIN). */
export const MORE_PROCESSES =
  "there are as many processes as there may be: raise ulimit -u, pids.max of the cgroup that tscriu runs in, or kernel.threads-max";

/** A flag for `spawn`: the process ends when the thread that started it does. */
export const BOUND = 2 ** 40;

/**
 * Starts a process that waits on `gate` (a pipe's read end: one byte lets it go, end of file ends it) and then executes
 * the static ELF file `elf`. Returns its pid or the negative errno.
 * @param setTids address of an array of pid_t, innermost pid namespace first; 0 for a pid of the kernel's choice
 * @param flags clone(2) flags besides CLONE_VM, which is always used; the low byte is the exit signal
 * @param gate with `gateOf`, the child gives up the pipe's write end, so that our death is its end of file
 * @param stack highest address of a stack for it, 16-byte aligned, alive until it has executed
 */
export function spawn(flags: number, setTids: number, nTids: number, elf: number, gate: number, stack: number): number {
  return Number(symbols.ts_spawn(flags, setTids, nTids, elf, gate, stack));
}

/**
 * Starts a process beside us that makes system calls for us: see `Standby`. Returns its pid or the negative errno.
 * @param orders address of { gate, the gate's other end, address of a list or 0, address of another }, each a long
 * @param stack highest address of a stack for it, 16-byte aligned; both stay its own until it has ended
 */
export function startStandby(orders: number, stack: number): number {
  return Number(symbols.ts_standby(orders, stack));
}

/**
 * Starts a process beside us that traces in our stead: see `Deputy`. Returns its pid or the negative errno.
 * @param deputy address of its `struct deputy`
 * @param stack highest address of a stack for it, 16-byte aligned; both stay its own until it has ended
 */
export function startDeputy(deputy: number, stack: number): number {
  return Number(symbols.ts_deputy(deputy, stack));
}

/**
 * Starts a process beside us that makes calls in other namespaces: see `Envoy`. Returns its pid or the negative errno.
 * @param envoy address of its `struct envoy`
 * @param stack highest address of a stack for it, 16-byte aligned; both stay its own until it has ended
 */
export function startEnvoy(envoy: number, stack: number): number {
  return Number(symbols.ts_envoy(envoy, stack));
}

/**
 * Starts a process beside us that opens files and reads links: see `Forerunner`. Returns its pid or the negative errno.
 * @param forerunner address of its `struct forerunner`
 * @param stack highest address of a stack for it, 16-byte aligned; both stay its own until it has ended. 0: we do it ourselves
 */
export function startForerunner(forerunner: number, stack: number): number {
  return Number(symbols.ts_forerunner(forerunner, stack));
}

/**
 * Starts a process beside us that reads a file on: see `ReadAhead`. Returns its pid or the negative errno.
 * @param reader address of its `struct reader`
 * @param stack highest address of a stack for it, 16-byte aligned; both stay its own until it has ended
 */
export function startReader(reader: number, stack: number): number {
  return Number(symbols.ts_reader(reader, stack));
}

/** From now on SIGINT, SIGTERM and SIGHUP only set a flag, and blocking system calls return EINTR. */
export function catchSignals(): void {
  symbols.ts_catch_signals();
}

/** The first of the caught signals that came, or 0. */
export function interruptedBy(): number {
  return Number(symbols.ts_interrupted());
}

/** What the CPU says of itself: eax, ebx, ecx, edx of CPUID; zeros on other architectures. */
export function cpuid(leaf: number, subleaf: number): readonly [number, number, number, number] {
  const out = new Uint32Array(4);
  symbols.ts_cpuid(leaf, subleaf, addressOf(out));
  return [out[0] ?? 0, out[1] ?? 0, out[2] ?? 0, out[3] ?? 0];
}

/** A pipe's two ends as `spawn` takes them. */
export function gateOf(read: number, write: number): number {
  return read + (write + 1) * 0x1_0000_0000;
}
