/**
 * A dump of a process of our own before the tree is frozen, its images to nowhere. Code that runs for the first time is slow:
 * it is fetched, linked and learns what it deals with. Better then than while a tree stands still.
 */
import { ImageDirectory } from "../image/directory.ts";
import { embedded } from "../kernel/embedded.ts";
import { closeFd, makePipe, tryRead, tryWrite } from "../kernel/fd.ts";
import { memoryFile } from "../kernel/loader.ts";
import { NR } from "../kernel/nr.ts";
import { wait } from "../kernel/ptrace.ts";
import { addressOf, BOUND, check, spawn, sys } from "../kernel/sys.ts";
import { type Log, silentLog } from "../log.ts";
import type { DumpOptions } from "../options.ts";
import { monotonic } from "../task/wait.ts";
import type { Executioner } from "./executioner.ts";
import { Scope, save } from "./save.ts";
import { lookAtRunning, threadsOf } from "./task.ts";
import { FrozenTree } from "./tree.ts";

const STACK = 32768;
const SIGKILL = 9;
const EINTR = -4;
/** Seconds until we do without. */
const PATIENCE = 1;

/** A process that waits and does nothing. Dispose ends it, and so does our own end. */
class Decoy implements Disposable {
  readonly pid: number;

  constructor() {
    const stack = new Uint8Array(new ArrayBuffer(STACK));
    const elf = memoryFile("tscriu", embedded("puppet"));
    const [gate, open] = makePipe();
    const [executed, executing] = makePipe();
    const top = addressOf(stack) + STACK;
    try {
      this.pid = check(spawn(BOUND, 0, 0, elf, gate, top - (top % 16)), "cannot start a process");
      tryWrite(open, Uint8Array.of(1));
    } finally {
      closeFd(executing);
    }
    // an end of file: it has closed what is not for other programs
    tryRead(executed, stack.subarray(0, 1));
    for (const fd of [elf, gate, open, executed]) closeFd(fd);
  }

  [Symbol.dispose](): void {
    sys(NR.kill, this.pid, SIGKILL);
    for (;;) {
      const seen = wait(this.pid);
      if (seen === EINTR || (typeof seen === "object" && seen.kind === "stopped")) continue;
      break;
    }
  }
}

/** Goes once through what `dump` will do. Whatever fails here is no matter: the dump itself will tell. */
export function rehearse(options: DumpOptions, cpu: number, executioner: Executioner, log: Log): void {
  try {
    using decoy = new Decoy();
    using scope = new Scope();
    using images = ImageDirectory.nowhere();
    const { waits, children } = lookAtRunning(decoy.pid, threadsOf(decoy.pid));
    const tree = scope.use(new FrozenTree(decoy.pid, PATIENCE, () => false, children));
    const step = () => {};
    const own = { ...options, shellJob: true };
    const where = { images, options: own, log: silentLog, scope, cpu, executioner, step };
    const { infected, files } = save({ tree, stoppedAt: monotonic(), waits, ...where, rehearsal: true });
    files[Symbol.dispose]();
    // the decoy ends with the scope: a way back is of use for trees that run on
    for (const one of infected.values()) options.fate === "kill" ? one.forget() : one.cure();
    tree.release();
  } catch (error) {
    log.debug(`the rehearsal failed: ${error instanceof Error ? error.message : error}`);
  }
}
