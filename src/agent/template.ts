/** What the programs of many tasks begin with: built once, and copied into each. */
import type { Subject } from "../error.ts";
import { AREA, OP } from "./layout.ts";
import { type Area, type Prepared, Program } from "./program.ts";

/** An area that no task has: programs are built in it, and their answers read. */
class Sheet implements Area {
  readonly bytes = new Uint8Array(new ArrayBuffer(AREA.size));
  readonly view = new DataView(this.bytes.buffer);
  /** Nothing may depend on where an area lies. */
  readonly base = Number.NaN;
  readonly subject: Subject = {};

  execute(): never {
    throw new Error("nobody runs what is built here");
  }
}

export class Template<Answers> {
  readonly #sheet = new Sheet();
  readonly #prepared: Prepared;
  readonly #read: () => Answers;

  /** @param ask appends the calls. What it returns reads the answers, of which nothing may refer to the area */
  constructor(ask: (program: Program) => () => Answers) {
    const program = new Program(this.#sheet);
    this.#read = ask(program);
    this.#prepared = program.prepared();
  }

  /** Begins a program with these calls; what it returns reads the answers once that has run. */
  begin(program: Program): () => Answers {
    program.begin(this.#prepared);
    const { bytes } = program.area;
    return () => {
      this.#take(bytes, AREA.ops, this.#prepared.notes.length * OP.size);
      this.#take(bytes, AREA.near, this.#prepared.near.length);
      this.#take(bytes, AREA.data, this.#prepared.data.length);
      return this.#read();
    };
  }

  #take(bytes: Uint8Array, from: number, size: number): void {
    this.#sheet.bytes.set(bytes.subarray(from, from + size), from);
  }
}
