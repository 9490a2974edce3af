/** Becoming another program: `restore --exec-cmd`. */
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, cstring, sys, sysError } from "../kernel/sys.ts";
import { childEnvironment } from "./environment.ts";

/**
 * SIGPIPE and SIGXFSZ, which the JavaScript runtime ignores, and SIGTTOU, which we ignore beside a tree that has our terminal: an
 * ignored signal stays so over execve.
 */
const ignoredSignals = [13, 25, 22];
const setMask = 2;
const setDescriptorFlags = 2;
/** sizeof(kernel sigset_t), which rt_sig* calls insist on. */
const sigsetSize = 8;

/** NUL-terminated strings and the NULL-terminated array of their addresses; all must stay alive until the call. */
function stringArray(texts: readonly string[]): { array: BigUint64Array; keep: Uint8Array[] } {
  const keep = texts.map((text) => cstring(text));
  const array = new BigUint64Array(texts.length + 1);
  keep.forEach((bytes, i) => {
    array[i] = BigInt(addressOf(bytes));
  });
  return { array, keep };
}

/** The file that will be executed, as the shell would find it. Throws when there is none. */
export function findProgram(name: string): string {
  const path = Bun.which(name, { cwd: process.cwd() });
  if (path) return path;
  throw new CrError("cannot find the program to execute", {
    code: "ENOENT",
    subject: { path: name },
    remedy: "give a path, or the name of a program in PATH, after --",
  });
}

/** The default action for a signal again. A struct sigaction of zeros is SIG_DFL on every architecture. */
export function defaultAction(signal: number): void {
  sys(NR.rt_sigaction, signal, addressOf(new Uint8Array(32)), 0, sigsetSize);
}

/** Nothing happens upon a signal: SIG_IGN. */
export function ignore(signal: number): void {
  sys(NR.rt_sigaction, signal, addressOf(new BigUint64Array([1n, 0n, 0n, 0n])), 0, sigsetSize);
}

/**
 * Replaces this process; the pid and the children stay. Only returns by throwing.
 * @param args the first one is the program's name
 * @param inherited descriptors that the program gets besides the standard ones
 */
export function becomeProgram(path: string, args: readonly string[], inherited: readonly number[]): never {
  for (const fd of inherited) sys(NR.fcntl, fd, setDescriptorFlags, 0);
  for (const signal of ignoredSignals) defaultAction(signal);
  sys(NR.rt_sigprocmask, setMask, addressOf(new Uint8Array(sigsetSize)), 0, sigsetSize);
  const file = cstring(path);
  const argv = stringArray(args);
  const envp = stringArray(Object.entries(childEnvironment()).map(([name, value]) => `${name}=${value}`));
  const result = sys(NR.execve, addressOf(file), addressOf(argv.array), addressOf(envp.array));
  throw sysError(result, "cannot execute the program", { path, words: argv.keep.length });
}
