/** How processes beside us, in our memory, are asked for system calls: the first words of what we share with each. */
import { NR } from "./nr.ts";
import { addressOf, sys } from "./sys.ts";

/** Words of 8 bytes; the state is the first 4 bytes. What follows is each kind's own. */
const WORD = { nr: 1, args: 2, result: 8 } as const;
/** The first that is free for a kind. */
export const OWN_WORDS = 9;
export const ANSWERED = 0;
const ASKED = 1;
const DISMISSED = 2;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const [EINTR, WALL] = [-4, 0x40000000];

/** What we share with a process that makes calls for us. */
export class Desk {
  readonly words: BigInt64Array<ArrayBuffer>;
  readonly address: number;
  readonly #state: Int32Array;

  /** @param size words */
  constructor(size: number) {
    this.words = new BigInt64Array(new ArrayBuffer(size * 8));
    this.#state = new Int32Array(this.words.buffer);
    this.address = addressOf(this.words);
  }

  get state(): number {
    return Atomics.load(this.#state, 0);
  }

  /** Has a call made: its result, or the negative errno. Costs a switch to the process and back. */
  ask(nr: number, args: readonly (number | undefined)[]): number {
    this.words[WORD.nr] = BigInt(nr);
    for (let i = 0; i < 6; i++) this.words[WORD.args + i] = BigInt(args[i] ?? 0);
    this.#tell(ASKED);
    while (this.state === ASKED) sys(NR.futex, this.address, FUTEX_WAIT, ASKED);
    return Number(this.words[WORD.result]);
  }

  /** Sends the process home, and waits for its end. */
  dismiss(pid: number): void {
    this.#tell(DISMISSED);
    while (sys(NR.wait4, pid, 0, WALL, 0) === EINTR);
  }

  #tell(state: number): void {
    Atomics.store(this.#state, 0, state);
    sys(NR.futex, this.address, FUTEX_WAKE, 1);
  }
}
