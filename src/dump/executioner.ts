/**
 * Ends a tree as a whole. Somebody may kill us between two of its processes, and a tree of which half is gone is worse than one
 * that lives and one that is dead: so a process of our own, which outlives us, ends them all once it has been told to.
 */
import { closeFd, makePipe, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { wait } from "../kernel/ptrace.ts";
import { addressOf, startExecutioner, sys } from "../kernel/sys.ts";

const STACK = 32768;
const SIGKILL = 9;
const EINTR = -4;

export class Executioner implements Disposable {
  readonly #sentence = new BigInt64Array(4);
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #gate: number;
  readonly #open: number;
  readonly #pid: number;
  #pids = new Int32Array(0);
  #done = false;

  /** Made before the tree is frozen: it costs time. */
  constructor() {
    [this.#gate, this.#open] = makePipe();
    this.#sentence.set([BigInt(this.#gate), BigInt(this.#open)]);
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startExecutioner(addressOf(this.#sentence), top - (top % 16));
  }

  /** Ends the processes, by SIGKILL. Returns when all of them have got it. */
  end(pids: readonly number[]): void {
    this.#pids = Int32Array.from(pids);
    this.#sentence[2] = BigInt(pids.length);
    this.#sentence[3] = BigInt(addressOf(this.#pids));
    if (this.#pid < 0 || tryWrite(this.#open, Uint8Array.of(1)) !== 1)
      for (const pid of pids) sys(NR.kill, pid, SIGKILL);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#done) return;
    this.#done = true;
    closeFd(this.#open);
    if (this.#pid > 0) while (wait(this.#pid) === EINTR);
    closeFd(this.#gate);
  }
}
