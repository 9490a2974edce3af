/**
 * Questions that only a thread itself can answer. They are appended to a program, which runs once; the reader that `ask…`
 * returned then tells the answer. A thread that runs no agent answers through `ThreadCalls`, call by call.
 */
import { type Arg, type CallOptions, Data, Result } from "../agent/program.ts";
import { CrError, type Subject } from "../error.ts";
import { syscallName } from "../kernel/nr.ts";
import { sysError } from "../kernel/sys.ts";

/** What a question needs of a `Program`; a program is one. */
export interface Questions {
  call(nr: number, args: readonly Arg[], options?: CallOptions): Result;
  /** Zeroed bytes that the task can write. */
  reserve(size: number): Data;
  /** After the run. */
  result(of: Result): number;
}

/** System calls that a stopped thread makes one by one, each at the price of two stops. */
export interface ThreadCalls {
  call(nr: number, args: number[]): number;
  /** Address of at least 512 free bytes in the thread's memory. */
  readonly scratch: number;
  read(address: number, length: number): Uint8Array;
}

const SCRATCH_SIZE = 512;

/** Questions to a thread without an agent: they are asked at once, and may not use results of earlier ones as arguments. */
export class CallByCall implements Questions {
  readonly #results: number[] = [];
  #used = 0;

  constructor(
    readonly thread: ThreadCalls,
    readonly subject: Subject,
  ) {}

  reserve(size: number): Data {
    const offset = this.#used;
    this.#used += (size + 7) & ~7;
    if (this.#used > SCRATCH_SIZE)
      throw new CrError("more questions than a thread has room for", { subject: this.subject });
    return new Data(offset, new Uint8Array(size));
  }

  call(nr: number, args: readonly Arg[], options: CallOptions = {}): Result {
    const places: Data[] = [];
    const plain = args.map((arg) => {
      if (typeof arg === "number") return arg;
      if (!(arg instanceof Data)) throw new CrError("a question to a thread with an argument of another kind");
      places.push(arg);
      return this.thread.scratch + arg.offset;
    });
    const result = this.thread.call(nr, plain);
    if (result < 0 && result >= -4095 && !options.ignore) {
      throw sysError(result, options.what ?? `${syscallName(nr)} in the thread`, {
        ...this.subject,
        ...options.subject,
      });
    }
    for (const place of places)
      place.bytes.set(this.thread.read(this.thread.scratch + place.offset, place.bytes.length));
    this.#results.push(result);
    return new Result(this.#results.length - 1, 0);
  }

  result(of: Result): number {
    return this.#results[of.index] ?? 0;
  }
}
