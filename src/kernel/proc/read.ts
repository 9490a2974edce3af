import { CrError } from "../../error.ts";
import { bytesToText } from "../../text.ts";
import { onTime } from "../cpu.ts";
import { ERRNO } from "../errno.ts";
import { NR } from "../nr.ts";
import { readAhead } from "../read-ahead.ts";
import { addressOf, readFileAt, readOn, sys, sysError } from "../sys.ts";

const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;

const ENOENT = -(ERRNO.ENOENT ?? 2);
const ESRCH = -(ERRNO.ESRCH ?? 3);
const EINTR = -(ERRNO.EINTR ?? 4);

const LINK_MAX = 4096;
/** Bytes of the longest record of getdents64(2). */
const ENTRY_MAX = 280;
/** Bytes from which on a file is worth a process beside us that reads it. */
const LONG = 256 * 1024;
const SHORT = 64;
/**
 * Files of which one read brings all: the kernel makes them as one record (single_open of seq_file), for which it takes as much
 * memory as it needs. Of others it gives a page at a time, but that is filled as far as the next record fits in.
 */
const ONE_RECORD: ReadonlySet<string> = new Set([
  ...["auxv", "cgroup", "comm", "coredump_filter", "limits", "loginuid", "oom_score_adj", "personality", "sched"],
  ...["stat", "statm", "status", "syscall", "timerslack_ns", "wchan"],
]);
/** Records of these are short: a read of less than half a page has brought all. */
const SHORT_RECORDS: ReadonlySet<string> = new Set(["children"]);
const HALF_A_PAGE = 2048;

/** Of how many bytes on a read of this file may have left something over. */
function wholeBelow(name: string): number {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (ONE_RECORD.has(last) || name.includes("fdinfo/")) return Number.MAX_SAFE_INTEGER;
  return SHORT_RECORDS.has(last) ? HALF_A_PAGE : 0;
}

/** Grown by half at a time, never given back: the next task's file is as long as this one's. */
let buffer = Buffer.from(new ArrayBuffer(LONG));
let bufferAddress = addressOf(buffer);

const nameBytes = new Uint8Array(new ArrayBuffer(LINK_MAX));
const nameAddress = addressOf(nameBytes);
const encoder = new TextEncoder();

/** Puts a NUL-terminated name where the next call finds it. Names are ours: short and without NUL. */
function putName(name: string): number {
  const { length } = name;
  for (let i = 0; i < length; i++) {
    const code = name.charCodeAt(i);
    // nearly all are short, and of plain letters
    if (code > 0x7f || length >= SHORT) {
      const { written } = encoder.encodeInto(name, nameBytes.subarray(0, LINK_MAX - 1));
      nameBytes[written] = 0;
      return nameAddress;
    }
    nameBytes[i] = code;
  }
  nameBytes[length] = 0;
  return nameAddress;
}

function openAt(dir: number, name: string, flags: number): number {
  for (;;) {
    const fd = sys(NR.openat, dir, putName(name), flags | O_CLOEXEC, 0);
    if (fd !== EINTR) return fd;
  }
}

function grow(used: number): void {
  const larger = Buffer.from(new ArrayBuffer(Math.ceil((buffer.length * 1.5) / 4096) * 4096));
  buffer.copy(larger, 0, 0, used);
  buffer = larger;
  bufferAddress = addressOf(buffer);
}

/** Reads a file to its end into the shared buffer: how many bytes, or the negative errno. */
function readAll(dir: number, name: string): number {
  const used = readFileAt(dir, putName(name), bufferAddress, buffer.length, wholeBelow(name));
  if (used < buffer.length) return used;
  // a long one: piece by piece, since the kernel may need long for each
  const fd = openAt(dir, name, 0);
  if (fd < 0) return fd;
  const all = drain(fd);
  sys(NR.close, fd);
  return all;
}

/** Reads to the end into the shared buffer: how many bytes, or the negative errno. */
function drain(fd: number): number {
  let used = 0;
  for (;;) {
    if (buffer.length - used < 4096) grow(used);
    const got = sys(NR.read, fd, bufferAddress + used, buffer.length - used);
    if (got === 0) return used;
    if (got > 0) used += got;
    else if (got !== EINTR) return got;
  }
}

/** The numeric names of getdents64(2) records in the first `used` bytes of the buffer. */
function numericNames(used: number, into: number[]): void {
  for (let at = 0; at < used; ) {
    const length = buffer.readUInt16LE(at + 16);
    let value = 0;
    let i = at + 19;
    let c = buffer[i] ?? 0;
    while (c >= 48 && c <= 57) {
      value = value * 10 + c - 48;
      c = buffer[++i] ?? 0;
    }
    if (c === 0) into.push(value);
    at += length;
  }
}

/** Files of a directory in /proc: see `ProcDir`. */
export interface ProcFiles {
  readonly path: string;
  text(name: string): string;
  optional(name: string): string | undefined;
}

/**
 * An open directory of one process or thread in /proc. While it is open, a pid that was taken anew is not mistaken for
 * it: everything fails as "gone" once the process has been reaped.
 *
 * What `bytes` returns lies in one buffer that all of them share: use it, or copy it, before the next read.
 */
export class ProcDir implements ProcFiles, Disposable {
  readonly pid: number;
  /** O_PATH descriptor of the directory. */
  readonly fd: number;
  /** Where it was opened. */
  readonly path: string;
  private disposed = false;

  /**
   * @param path the directory, when it is not /proc/PID: `/proc/PID/task/TID`, or one of another mount of proc
   * @throws CrError ESRCH when there is no such process
   */
  constructor(pid: number, path = `/proc/${pid}`) {
    this.pid = pid;
    this.path = path;
    const fd = openAt(AT_FDCWD, path, O_PATH | O_DIRECTORY);
    if (fd < 0) throw fd === ENOENT || fd === ESRCH ? gone(pid) : sysError(fd, "cannot open", { pid, path });
    this.fd = fd;
  }

  [Symbol.dispose](): void {
    if (!this.disposed) sys(NR.close, this.fd);
    this.disposed = true;
  }

  /** The directory of one thread of this process. The caller disposes of it. */
  thread(tid: number): ProcDir {
    return new ProcDir(tid, `${this.path}/task/${tid}`);
  }

  /** What a thread's directory holds, without opening it: it is there as long as the thread is. */
  ofThread(tid: number): ProcFiles {
    const at = `task/${tid}`;
    return {
      path: `${this.path}/${at}`,
      text: (name) => this.text(`${at}/${name}`),
      optional: (name) => this.optional(`${at}/${name}`),
    };
  }

  /** Opens a file of the directory; the caller closes the descriptor (close-on-exec). */
  open(name: string, flags = 0): number {
    const fd = openAt(this.fd, name, flags);
    if (fd < 0) throw this.failure(fd, name, "cannot open");
    return fd;
  }

  /** All bytes of a file, in the shared buffer. */
  bytes(name: string): Buffer {
    const used = readAll(this.fd, name);
    if (used < 0) throw this.failure(used, name, "cannot read");
    return buffer.subarray(0, used);
  }

  /**
   * A file that may be very long, piece by piece: `use` gets what is there and was not used yet, and whether that is all, and says
   * how many bytes of it are used.
   */
  pieces(name: string, use: (text: Buffer, isAll: boolean) => number): void {
    const fd = this.open(name);
    let used = readOn(fd, bufferAddress, LONG);
    if (used === LONG) used = onTime(() => readAhead(fd, use, buffer.subarray(0, LONG)));
    else if (used >= 0) use(buffer.subarray(0, used), true);
    sys(NR.close, fd);
    if (used < 0) throw this.failure(used, name, "cannot read");
  }

  /** A whole file as text: bytes that are no UTF-8, as in a thread's name, are kept (see `bytesToText`). */
  text(name: string): string {
    const bytes = this.bytes(name);
    const text = bytes.toString("utf8");
    return text.includes("\ufffd") ? bytesToText(bytes) : text;
  }

  /** As `text`, and undefined where the process lives but has no such file (a kernel without the feature). */
  optional(name: string): string | undefined {
    try {
      return this.text(name);
    } catch (error) {
      if (error instanceof CrError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** The target of a symbolic link as the kernel tells it: ` (deleted)` included. */
  link(name: string): string {
    const got = sys(NR.readlinkat, this.fd, putName(name), bufferAddress, LINK_MAX);
    if (got < 0) throw this.failure(got, name, "cannot read the link");
    return buffer.toString("utf8", 0, got);
  }

  /** The numeric entries of a directory (`task`, `fd`, `fdinfo`, `map_files` has none), ascending. */
  list(name: string): number[] {
    const fd = this.open(name, O_DIRECTORY);
    const numbers: number[] = [];
    let got: number;
    do {
      got = sys(NR.getdents64, fd, bufferAddress, buffer.length);
      numericNames(got, numbers);
      // it stops at an entry that does not fit in any more: where there was room that was the last
    } while (got > buffer.length - ENTRY_MAX);
    sys(NR.close, fd);
    if (got < 0) throw this.failure(got, name, "cannot list");
    return numbers.sort((a, b) => a - b);
  }

  /** Whether the process (or thread) has not been reaped yet. A zombie is still there. */
  exists(): boolean {
    const fd = openAt(this.fd, "stat", O_PATH);
    if (fd >= 0) sys(NR.close, fd);
    return fd >= 0;
  }

  private failure(result: number, name: string, what: string): CrError {
    const path = `${this.path}/${name}`;
    if (result === ESRCH || (result === ENOENT && !this.exists())) return gone(this.pid);
    return sysError(result, what, { pid: this.pid, path });
  }
}

function gone(pid: number): CrError {
  return new CrError(`process ${pid} is gone`, { code: "ESRCH", subject: { pid } });
}

/** A whole file of /proc that belongs to no process (`/proc/locks`), as UTF-8 text. */
export function readProcFile(path: string): string {
  const used = readAll(AT_FDCWD, path);
  if (used < 0) throw sysError(used, "cannot read", { path });
  return buffer.toString("utf8", 0, used);
}

/** The same of one that may not be there, or not be read: an error takes longer than such a file. */
export function tryReadProcFile(path: string): string | undefined {
  const used = readAll(AT_FDCWD, path);
  return used < 0 ? undefined : buffer.toString("utf8", 0, used);
}
