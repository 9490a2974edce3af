/** A long stretch of memory on its way to a file, of which two take pieces: one from its beginning, one from its end. */
import type { PageRuns } from "./content.ts";

/** Addresses of the task, bytes. */
export interface Piece {
  readonly start: number;
  readonly length: number;
}

export class Stretch {
  readonly #starts: number[];
  readonly #lengths: number[];
  #first = 0;
  #last: number;
  /** Bytes that nobody has taken yet. */
  bytes = 0;

  /** @param offset where the first byte that is left lies in the file */
  constructor(
    runs: PageRuns,
    first: number,
    last: number,
    public offset: number,
  ) {
    this.#starts = runs.starts.slice(first, last);
    this.#lengths = this.#starts.map((start, i) => (runs.ends[first + i] ?? start) - start);
    this.#last = last - first;
    for (const length of this.#lengths) this.bytes += length;
  }

  /** Takes so many bytes, at most, in so many pieces, at most, from the beginning. */
  takeFirst(bytes: number, most: number): Piece[] {
    const taken: Piece[] = [];
    let left = bytes;
    while (left > 0 && taken.length < most && this.#first < this.#last) {
      const start = this.#starts[this.#first] ?? 0;
      const there = this.#lengths[this.#first] ?? 0;
      const length = Math.min(there, left);
      taken.push({ start, length });
      this.#starts[this.#first] = start + length;
      this.#lengths[this.#first] = there - length;
      if (length === there) this.#first++;
      left -= length;
    }
    this.bytes -= bytes - left;
    this.offset += bytes - left;
    return taken;
  }

  /** The same from the end; the pieces are in ascending order. They follow what is left then. */
  takeLast(bytes: number, most: number): Piece[] {
    const taken: Piece[] = [];
    let left = bytes;
    while (left > 0 && taken.length < most && this.#first < this.#last) {
      const start = this.#starts[this.#last - 1] ?? 0;
      const there = this.#lengths[this.#last - 1] ?? 0;
      const length = Math.min(there, left);
      taken.push({ start: start + there - length, length });
      this.#lengths[this.#last - 1] = there - length;
      if (length === there) this.#last--;
      left -= length;
    }
    this.bytes -= bytes - left;
    return taken.reverse();
  }

  /** Undoes `takeLast`. */
  giveBack(pieces: readonly Piece[]): void {
    for (const { start, length } of pieces) {
      this.#starts[this.#last] = start;
      this.#lengths[this.#last] = length;
      this.#last++;
      this.bytes += length;
    }
  }
}
