/** What clients of a real program saw: whether every answer came and was right, and how long the longest one took. */
import { patience, until } from "../lib/stage.ts";

/** An answer, and what it had to be. */
export interface Answer {
  got: unknown;
  wanted: unknown;
}

interface Loop {
  name: string;
  answers: number;
  over: boolean;
}

/** So many answers to every client show that it goes on. */
const enough = 10;
/** Between two questions of a client at the most, milliseconds. */
const SELDOM = 25;

export class Tally {
  /** Clients ask at once what they ask next: who measures how long they wait for answers misses nothing then. */
  static isEager = false;
  asked = 0;
  answered = 0;
  wrong = 0;
  /** The longest time between a question and its answer, milliseconds. */
  pause = 0;
  /** What was lost or wrong, in words. */
  readonly complaints: string[] = [];
  readonly #loops: Loop[] = [];
  readonly #running: Promise<void>[] = [];
  #ending = false;
  #calm = false;

  /** Lets clients ask seldom while something is waited for that has nothing to do with their answers. */
  async calmly(wait: Promise<void> | undefined): Promise<void> {
    this.#calm = true;
    try {
      await wait;
    } finally {
      this.#calm = false;
    }
  }

  get lost(): number {
    return this.asked - this.answered;
  }

  /** Asks one question. It throws when no answer comes; that one is lost. */
  async ask(name: string, question: () => Promise<Answer>): Promise<void> {
    this.asked++;
    const since = performance.now();
    const { got, wanted } = await within(name, question());
    this.pause = Math.max(this.pause, performance.now() - since);
    this.answered++;
    if (!Bun.deepEquals(got, wanted)) this.fail(`${name}: ${Bun.inspect(got)} came, not ${Bun.inspect(wanted)}`);
  }

  fail(complaint: string): void {
    this.wrong++;
    this.complaints.push(complaint);
  }

  /** A client that asks one question after the other until the end. */
  keep(name: string, question: (number: number) => Promise<Answer>): void {
    const loop = { name, answers: 0, over: false };
    this.#loops.push(loop);
    this.#running.push(this.#run(loop, question));
  }

  async #run(loop: Loop, question: (number: number) => Promise<Answer>): Promise<void> {
    try {
      while (!this.#ending) {
        const since = performance.now();
        await this.ask(loop.name, () => question(loop.answers));
        loop.answers++;
        // on a machine with more to do, a client leaves most of the time to others, and more of it where nobody waits for it
        const took = performance.now() - since;
        const nap = this.#calm ? SELDOM : Math.min(SELDOM, Math.max(2, 2 * took));
        await Bun.sleep(Tally.isEager ? 1 : nap);
      }
    } catch (error) {
      this.complaints.push(`${loop.name}: answer ${loop.answers} is lost: ${error}`);
    }
    loop.over = true;
  }

  /** Waits until every client has had more answers. */
  async goesOn(): Promise<void> {
    const targets = this.#loops.map((loop) => ({ loop, target: loop.answers + enough }));
    for (const { loop, target } of targets) {
      await until(`${loop.name} is answered`, () => (loop.over || loop.answers >= target ? true : undefined));
    }
    if (this.complaints.length > 0) throw new Error(this.complaints.join("\n"));
  }

  /** The last questions are answered, and no more are asked. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#running);
  }
}

async function within<T>(name: string, work: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: no answer`)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
