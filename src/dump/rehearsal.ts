/**
 * A dump of a process of our own before the tree is frozen, its images to nowhere. Code that runs for the first time is slow:
 * it is fetched, linked and learns what it deals with. Better then than while a tree stands still.
 */
import { ImageDirectory } from "../image/directory.ts";
import { sendElsewhere } from "../kernel/elsewhere.ts";
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
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  /** Closed once it does nothing any more but wait. */
  readonly #fds: readonly number[];
  readonly #executed: number;
  #state: "starting" | "ready" | "dying" | "gone" = "starting";

  constructor() {
    const elf = memoryFile("tscriu", embedded("puppet"));
    const [gate, open] = makePipe();
    const [executed, executing] = makePipe();
    const top = addressOf(this.#stack) + STACK;
    this.#executed = executed;
    this.#fds = [elf, gate, open, executed];
    try {
      this.pid = check(spawn(BOUND, 0, 0, elf, gate, top - (top % 16)), "cannot start a process");
      tryWrite(open, Uint8Array.of(1));
    } catch (error) {
      for (const fd of this.#fds) closeFd(fd);
      throw error;
    } finally {
      closeFd(executing);
    }
  }

  /** Waits until it is what it shall be. */
  ready(): void {
    if (this.#state !== "starting") return;
    // an end of file: it has closed what is not for other programs
    tryRead(this.#executed, this.#stack.subarray(0, 1));
    for (const fd of this.#fds) closeFd(fd);
    this.#state = "ready";
  }

  /** Lets it end while we do something else. */
  kill(): void {
    this.ready();
    if (this.#state !== "ready") return;
    sendElsewhere(this.pid);
    sys(NR.kill, this.pid, SIGKILL);
    this.#state = "dying";
  }

  [Symbol.dispose](): void {
    this.kill();
    while (this.#state === "dying") {
      const seen = wait(this.pid);
      if (seen !== EINTR && !(typeof seen === "object" && seen.kind === "stopped")) this.#state = "gone";
    }
  }
}

/** Whatever fails here is no matter: the dump itself will tell. */
export class Rehearsal implements Disposable {
  #decoy: Decoy | undefined;

  /** Its process starts on another CPU, unless we keep to one already. */
  constructor(readonly log: Log) {
    this.#attempt(() => (this.#decoy = new Decoy()));
  }

  /** Goes once through what `dump` will do. */
  run(options: DumpOptions, cpu: number, executioner: Executioner): void {
    const decoy = this.#decoy;
    if (decoy === undefined) return;
    this.#attempt(() => {
      decoy.ready();
      rehearse(decoy.pid, options, cpu, executioner);
    });
    decoy.kill();
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.log.debug(`the rehearsal failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  [Symbol.dispose](): void {
    this.#decoy?.[Symbol.dispose]();
  }
}

function rehearse(pid: number, options: DumpOptions, cpu: number, executioner: Executioner): void {
  using scope = new Scope();
  using images = ImageDirectory.nowhere();
  const running = lookAtRunning(pid, threadsOf(pid));
  const tree = scope.use(new FrozenTree(pid, PATIENCE, () => false, running));
  const step = () => {};
  const own = { ...options, shellJob: true };
  const where = { images, options: own, log: silentLog, scope, cpu, executioner, step };
  const { infected, files } = save({ tree, stoppedAt: monotonic(), waits: running.waits, ...where, rehearsal: true });
  files[Symbol.dispose]();
  // the decoy ends right away: a way back is of use for trees that run on
  for (const one of infected.values()) options.fate === "kill" ? one.forget() : one.cure();
  tree.release();
}
