/** What a probe is, and small helpers that probes share. */
import { errnoName } from "../kernel/errno.ts";
import { NR, type SyscallName } from "../kernel/nr.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";

/** Undefined when the feature is there, else why not, in words. */
export type Verdict = string | undefined;

/** Tries the real thing. Leaves nothing behind. May throw: that counts as missing, with the error's words. */
export type Probe = () => Verdict;

export type Probes<Name extends string> = Readonly<Record<Name, Probe>>;

export const AT_FDCWD = -100;
export const O_RDWR = 2;

/** One system call by name: the result or the negative errno. */
export function call(name: SyscallName, ...args: number[]): number {
  const [a, b, c, d, e, f] = args;
  return sys(NR[name], a, b, c, d, e, f);
}

/** The words for a failed call. */
export function failed(what: string, result: number): string {
  return `${what}: ${errnoName(result)}`;
}

/** There when the call did not fail. */
export function works(what: string, result: number): Verdict {
  return result < 0 ? failed(what, result) : undefined;
}

/** Descriptors and such, closed in reverse order at the end of a scope. */
export class Scope implements Disposable {
  private readonly undo: (() => void)[] = [];

  /** Takes a descriptor into custody, or throws what failed. */
  fd(what: string, result: number): number {
    if (result < 0) throw new Error(failed(what, result));
    this.undo.push(() => call("close", result));
    return result;
  }

  /** A system call that makes a descriptor. */
  open(name: SyscallName, ...args: number[]): number {
    return this.fd(name, call(name, ...args));
  }

  path(path: string, flags = 0): number {
    const name = cstring(path);
    return this.fd(`opening ${path}`, call("openat", AT_FDCWD, addressOf(name), flags | 0o2000000));
  }

  /** Two descriptors from a call that fills an array of two. */
  pair(name: "pipe2" | "socketpair", ...before: number[]): [number, number] {
    const fds = new Int32Array(2);
    const result = name === "pipe2" ? call(name, addressOf(fds), 0) : call(name, ...before, addressOf(fds));
    if (result < 0) throw new Error(failed(name, result));
    return [this.fd(name, fds[0] ?? -1), this.fd(name, fds[1] ?? -1)];
  }

  defer(undo: () => void): void {
    this.undo.push(undo);
  }

  [Symbol.dispose](): void {
    for (const undo of this.undo.reverse()) undo();
  }
}

/** An int as the kernel reads it. */
export function int(value: number): Int32Array {
  return new Int32Array([value]);
}
