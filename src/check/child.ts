/** A child to try things in: an empty process that does the calls that we tell it to, and dies with the scope. */
import { arch } from "../agent/arch/index.ts";
import { Tracee, writeRegs } from "../agent/tracee.ts";
import { embedded } from "../kernel/embedded.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR, type SyscallName } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { cont, contToSyscall, interrupt, seize, wait, waitStop } from "../kernel/ptrace.ts";
import { addressOf, check, cstring, spawn } from "../kernel/sys.ts";
import { PTRACE_EVENT, PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { call, failed, Scope } from "./probe.ts";

const SIGCHLD = 17;
const SIGKILL = 9;
const stackSize = 65536;
/** How far below the stack pointer the scratch memory begins; the initial stack has twice as much. */
const scratchBelow = 65536;
const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;
/** The tracing options of every child; a probe that sets others keeps these. */
export const childOptions = PTRACE_O.EXITKILL | PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACEEXEC;

function kill(pid: number): void {
  call("kill", pid, SIGKILL);
  for (;;) {
    const seen = wait(pid);
    if (seen === -4 || (typeof seen === "object" && seen.kind === "stopped")) continue;
    return;
  }
}

/** A program in an anonymous file that can be executed. */
function programFile(scope: Scope, bytes: Uint8Array): number {
  const name = cstring("tscriu-check");
  // Kernels before 6.3 do not know the flag: there every such file can be executed.
  let fd = call("memfd_create", addressOf(name), MFD_CLOEXEC | MFD_EXEC);
  if (fd < 0) fd = call("memfd_create", addressOf(name), MFD_CLOEXEC);
  scope.fd("memfd_create", fd);
  check(call("write", fd, addressOf(bytes), bytes.length), "cannot fill an anonymous file");
  return fd;
}

/** Starts a process that ends at once, for what clone itself can tell. @returns its pid or the negative errno */
export function startAndEnd(setTids: Int32Array = new Int32Array(0)): number {
  using scope = new Scope();
  const [gate, end] = scope.pair("pipe2");
  const stack = new Uint8Array(stackSize);
  const top = Math.floor((addressOf(stack) + stackSize) / 16) * 16;
  const pid = spawn(SIGCHLD, setTids.length > 0 ? addressOf(setTids) : 0, setTids.length, -1, gate, top);
  if (pid < 0) return pid;
  // One byte lets it go: it cannot execute descriptor -1, and ends.
  call("write", end, addressOf(new Uint8Array(1)), 1);
  while (wait(pid) === -4);
  return pid;
}

/** Whether the kernel executes a program. It does not get far: it is ended before its first instruction. */
export function executes(program: Uint8Array): boolean {
  using scope = new Scope();
  const [gate, end] = scope.pair("pipe2");
  const stack = new Uint8Array(stackSize);
  const top = Math.floor((addressOf(stack) + stackSize) / 16) * 16;
  const pid = spawn(SIGCHLD, 0, 0, programFile(scope, program), gate, top);
  check(pid, "cannot start a process");
  try {
    check(seize(pid, childOptions), "cannot trace a process");
    check(call("write", end, addressOf(new Uint8Array(1)), 1), "cannot open the gate");
    for (;;) {
      const seen = wait(pid);
      if (seen === -4) continue;
      // without the program it ends
      if (typeof seen !== "object" || seen.kind !== "stopped") return false;
      if (seen.event === PTRACE_EVENT.EXEC) return true;
      cont(pid);
    }
  } finally {
    kill(pid);
  }
}

export class Child implements Disposable {
  readonly pid: number;
  readonly memory: RemoteMemory;
  /** Address of 32 KiB that calls may use. */
  readonly scratch: number;
  private readonly tracee: Tracee;
  private readonly ip: number;
  private readonly scope = new Scope();

  /** Throws an Error in words. */
  constructor() {
    using scope = new Scope();
    const elf = programFile(scope, embedded("puppet"));
    const [gate, end] = scope.pair("pipe2");
    const stack = new Uint8Array(stackSize);
    const top = Math.floor((addressOf(stack) + stackSize) / 16) * 16;
    const pid = spawn(SIGCHLD, 0, 0, elf, gate, top);
    if (pid < 0) throw new Error(failed("clone3", pid));
    this.pid = pid;
    this.scope.defer(() => kill(pid));
    try {
      const seized = seize(pid, childOptions);
      if (seized < 0) throw new Error(failed("PTRACE_SEIZE", seized));
      check(call("write", end, addressOf(new Uint8Array(1)), 1), "cannot open the gate");
      while (waitStop(pid).event !== PTRACE_EVENT.EXEC) cont(pid);
      cont(pid);
      interrupt(pid);
      waitStop(pid);
      this.memory = new RemoteMemory(pid);
      this.tracee = new Tracee(pid, pid);
    } catch (error) {
      this.scope[Symbol.dispose]();
      throw error;
    }
    this.scope.defer(() => this.memory[Symbol.dispose]());
    this.scratch = Math.floor((arch.sp(this.tracee.regs) - scratchBelow) / 4096) * 4096;
    this.ip = entryPoint();
  }

  /** The child does one system call. @returns its result or the negative errno */
  call(name: SyscallName, ...args: number[]): number {
    return this.tracee.syscall(this.ip, this.scratch - 4096, NR[name], args);
  }

  /** Puts bytes or a string into the scratch memory and returns where they are. */
  put(value: Uint8Array | string, at = 0): number {
    this.memory.write(this.scratch + at, typeof value === "string" ? cstring(value) : value);
    return this.scratch + at;
  }

  /** The first instruction that it executes for a call. */
  get start(): number {
    return this.ip + arch.entries.call;
  }

  /** Lets it go there. @returns the signal that it stops with, or that of a system call */
  go(): number {
    writeRegs(this.pid, arch.callHome(this.tracee.regs, this.start, this.scratch - 4096, NR.getpid, []));
    check(contToSyscall(this.pid), "cannot let the child go on");
    return waitStop(this.pid).signal;
  }

  /** A call that must succeed for the probe to make sense. */
  must(name: SyscallName, ...args: number[]): number {
    const result = this.call(name, ...args);
    if (result < 0) throw new Error(failed(name, result));
    return result;
  }

  /** Our duplicate of a descriptor of the child's, closed with the child. */
  take(fd: number): number {
    const pidfd = pidfdOpen(this.pid);
    try {
      return this.scope.fd("pidfd_getfd", pidfdGetfd(pidfd, fd));
    } finally {
      call("close", pidfd);
    }
  }

  [Symbol.dispose](): void {
    this.scope[Symbol.dispose]();
  }
}

/** Where the program of the child begins: its first instruction is a system call. */
function entryPoint(): number {
  return Number(new DataView(embedded("puppet").slice(0, 64).buffer).getBigUint64(24, true));
}
