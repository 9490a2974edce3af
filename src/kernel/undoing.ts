/** What has to be undone if we die, by a process beside us: calls that come and go one by one, however many there are. */
import { NR } from "./nr.ts";
import { type Call, Standby, WORDS } from "./standby.ts";
import { addressOf } from "./sys.ts";

/** Calls that there is room for at first. */
const ROOM = 64;
/** What is made in place of a call that is not to be made any more. */
const NOTHING = BigInt(NR.getppid);

/** Nobody undoes anything before the first `add`. What was added first is made first. */
export class Undoing implements Disposable {
  #standby: Standby | undefined;
  #list = new BigInt64Array(1 + ROOM * WORDS);
  #count = 0;
  /** What the list points to, by the place of its call. */
  readonly #memory = new Map<number, Call>();

  /**
   * Has calls made if we die from now on, until what it returns is called.
   * @param byOurs they go by descriptors that we did not have when the last one was added
   */
  add(calls: readonly Call[], byOurs = false): () => void {
    const places = calls.map((call) => this.#put(call));
    if (this.#standby === undefined || byOurs) this.renew();
    return () => {
      if (places.length === 0) return;
      for (const place of places.splice(0)) this.#drop(place);
      // it has copies of what we had open by then: a file that is written cannot be executed, nor its mount be made read-only
      if (this.#memory.size === 0) this[Symbol.dispose]();
      else if (this.#standby) this.renew();
    };
  }

  #put(call: Call): number {
    const place = this.#count;
    if (1 + (place + 1) * WORDS > this.#list.length) {
      const larger = new BigInt64Array(1 + 2 * place * WORDS);
      larger.set(this.#list);
      this.#list = larger;
      this.#standby?.ifWeDieBy(larger);
    }
    this.#memory.set(place, call);
    const at = 1 + place * WORDS;
    call.args.forEach((arg, i) => {
      this.#list[at + 1 + i] = BigInt(typeof arg === "number" ? arg : addressOf(arg));
    });
    // its number last, and then its place: half of a call is none
    this.#list[at] = BigInt(call.nr);
    this.#list[0] = BigInt(++this.#count);
    return place;
  }

  #drop(place: number): void {
    this.#list[1 + place * WORDS] = NOTHING;
    this.#memory.delete(place);
    if (this.#memory.size > 0) return;
    this.#count = 0;
    this.#list[0] = 0n;
  }

  /** Something has been added. */
  get isThere(): boolean {
    return this.#standby !== undefined;
  }

  /** Somebody else takes over, who has the descriptors that we have by now. */
  renew(): void {
    const before = this.#standby;
    this.#standby = new Standby();
    this.#standby.ifWeDieBy(this.#list);
    before?.[Symbol.dispose]();
  }

  /** Makes calls, also if we die in the middle: from then on nothing is undone. */
  carryOut(calls: readonly Call[]): void {
    if (this.#standby === undefined) this.renew();
    this.#standby?.carryOut(calls);
    this.#standby = undefined;
  }

  /** Nothing is undone any more. */
  [Symbol.dispose](): void {
    this.#standby?.[Symbol.dispose]();
    this.#standby = undefined;
  }
}
