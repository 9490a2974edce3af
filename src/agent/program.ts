import { CrError, type Subject } from "../error.ts";
import { syscallName } from "../kernel/nr.ts";
import { sysError } from "../kernel/sys.ts";
import { textToBytes } from "../text.ts";
import { AREA, ARG_AREA, ARG_LOAD32, ARG_RESULT, OP, POLICY_EXPECT, POLICY_IGNORE, POLICY_STOP } from "./layout.ts";

/** A place in the shared area: its address in the task is the argument; `bytes` is our view of it. */
export class Data {
  readonly #whole: Uint8Array;
  readonly #from: number;
  readonly #size: number;
  #bytes: Uint8Array | undefined;
  #view: DataView | undefined;

  /** @param whole what our view is taken from: `size` bytes of it from `from` on, all by default */
  constructor(
    readonly offset: number,
    whole: Uint8Array,
    from = 0,
    size = whole.length - from,
  ) {
    this.#whole = whole;
    this.#from = from;
    this.#size = size;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.#whole.subarray(this.#from, this.#from + this.#size);
    return this.#bytes;
  }

  get view(): DataView {
    this.#view ??= new DataView(this.#whole.buffer, this.#whole.byteOffset + this.#from, this.#size);
    return this.#view;
  }

  /** The place some bytes further on, as an argument. */
  at(delta: number): Data {
    return new Data(this.offset + delta, this.#whole, this.#from + delta, this.#size - delta);
  }
}

/** The result of an earlier call of the same program. */
export class Result {
  constructor(
    readonly index: number,
    readonly run: number,
  ) {}
}

/** A signed 32-bit number that an earlier call left in the area. */
export class Load {
  constructor(readonly data: Data) {}
}

export type Arg = number | bigint | Data | Result | Load;

export interface CallOptions {
  /** Go on when the call fails; the result tells. */
  ignore?: boolean;
  /** The result must be this, else the program stops. */
  expect?: number;
  /** It is made only if an earlier call of the program was answered like this; `made` tells. It may not expect anything itself. */
  after?: { readonly call: Result; readonly answered: number };
  /** `made` tells, while the program runs, whether this call has been made. */
  watched?: boolean;
  /** What we wanted, for the error: "cannot map the heap". */
  what?: string;
  subject?: Subject;
  remedy?: string;
}

/** The area as the program builder needs it. */
export interface Area {
  /** Our view of the whole area. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Address of the area in the task. */
  readonly base: number;
  /**
   * Runs the first `ops` records; returns the index of the one that failed, or `ops`. Throws when the task is gone.
   * @param watch called now and then meanwhile. What it throws is thrown once the program has ended
   */
  execute(ops: number, watch?: () => void): number;
  /** Whose area it is, for errors. */
  readonly subject: Subject;
}

function kindOf(arg: Data | Result | Load): number {
  if (arg instanceof Data) return ARG_AREA;
  if (arg instanceof Result) return ARG_RESULT;
  return ARG_LOAD32;
}

const words = new WeakMap<Uint8Array, Int32Array>();

/** The whole area by words of 32 bits. */
function wordsOf({ bytes }: Area): Int32Array {
  let found = words.get(bytes);
  if (!found) {
    found = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    words.set(bytes, found);
  }
  return found;
}

/** What is free in an area: the first record, and where data begins and ends, near and far. */
export interface Free {
  readonly ops: number;
  readonly near: number;
  readonly nearEnd: number;
  readonly data: number;
  readonly dataEnd: number;
}

/** The calls of a program that has not run: its records and its data as they lie in the area, and what was said of each call. */
export interface Prepared {
  readonly records: Uint8Array;
  readonly near: Uint8Array;
  readonly data: Uint8Array;
  readonly notes: readonly (CallOptions | undefined)[];
}

/** Stands for the result of a call that is still to come: none that is watched returns this. */
const UNMADE = 0x5453_0000;

export const WHOLE: Free = { ops: 0, near: AREA.near, nearEnd: AREA.nearEnd, data: AREA.data, dataEnd: AREA.size };

/**
 * A list of system calls that one task makes in one round trip. Calls are appended; `run` executes what was appended and
 * starts anew. When records or data space run out, what is there is run first: results and data of before are then no longer
 * available as arguments, which is an internal error that names the call.
 */
export class Program {
  #ops = 0;
  #near: number;
  #data: number;
  /** Where data ends that is lost at the next run, near and far; behind it lies what is kept. */
  #nearTop: number;
  #top: number;
  #run = 0;
  #notes: (CallOptions | undefined)[] = [];
  /** Offset of its first record. */
  readonly #start: number;

  /** @param from where its records and data begin; the agent must know it too */
  constructor(
    readonly area: Area,
    readonly from = WHOLE,
  ) {
    this.#near = from.near;
    this.#data = from.data;
    this.#nearTop = from.nearEnd;
    this.#top = from.dataEnd;
    this.#start = AREA.ops + from.ops * OP.size;
  }

  /** Appends a call. */
  call(nr: number, args: readonly Arg[], options?: CallOptions): Result {
    if (this.calls === 0) this.run();
    const words = wordsOf(this.area);
    const at = (this.#start + this.#ops * OP.size) >> 2;
    let kinds = 0;
    for (let i = 0; i < 6; i++) {
      const arg = args[i] ?? 0;
      const place = at + ((OP.args + i * 8) >> 2);
      if (typeof arg === "number") {
        words[place] = arg;
        words[place + 1] = Math.floor(arg / 0x1_0000_0000);
      } else if (typeof arg === "bigint") {
        words[place] = Number(BigInt.asIntN(32, arg));
        words[place + 1] = Number(BigInt.asIntN(32, arg >> 32n));
      } else {
        words[place] = this.#reference(arg, nr);
        words[place + 1] = 0;
        kinds |= kindOf(arg) << (i * 4);
      }
    }
    const after = options?.after;
    const expect = after?.answered ?? options?.expect;
    const policy = options?.expect !== undefined ? POLICY_EXPECT : options?.ignore ? POLICY_IGNORE : POLICY_STOP;
    words[at + (OP.nr >> 2)] = nr;
    words[at + (OP.policy >> 2)] = policy | (after ? (this.#reference(after.call, nr) + 1) << 16 : 0);
    words[at + (OP.kinds >> 2)] = kinds;
    if (expect !== undefined) {
      words[at + (OP.expect >> 2)] = expect;
      words[at + (OP.expect >> 2) + 1] = Math.floor(expect / 0x1_0000_0000);
    }
    if (after || options?.watched) {
      words[at + (OP.result >> 2)] = UNMADE;
      words[at + (OP.result >> 2) + 1] = 0;
    }
    this.#notes[this.#ops] = options;
    return new Result(this.#ops++, this.#run);
  }

  /** An argument that the agent looks up: index of a record, or offset in the area. */
  #reference(arg: Data | Result | Load, nr: number): number {
    if (!(arg instanceof Result)) return (arg instanceof Load ? arg.data : arg).offset;
    if (arg.run !== this.#run) {
      throw new CrError("a program refers to a result of an earlier run", { subject: { call: syscallName(nr) } });
    }
    return arg.index;
  }

  /** Closes the program, for others to begin with: none of its arguments may be an address. */
  prepared(): Prepared {
    const { bytes } = this.area;
    const notes = this.#notes.slice(0, this.#ops);
    const near = bytes.slice(this.from.near, this.#near);
    const data = bytes.slice(this.from.data, this.#data);
    const records = bytes.slice(this.#start, this.#start + this.close() * OP.size);
    return { records, near, data, notes };
  }

  /** Begins with what was prepared in another area. */
  begin({ records, near, data, notes }: Prepared): void {
    if (this.#ops > 0 || this.#near > this.from.near || this.#data > this.from.data || this.from !== WHOLE)
      throw new Error("a program begins with something else");
    const { bytes } = this.area;
    bytes.set(records, this.#start);
    bytes.set(near, this.from.near);
    bytes.set(data, this.from.data);
    this.#ops = notes.length;
    this.#near += near.length;
    this.#data += data.length;
    this.#notes = [...notes];
  }

  /** Zeroed space in the area, 8-byte aligned. Lost at the next run. */
  reserve(size: number): Data {
    const need = (size + 7) & ~7;
    if (this.#isNear(need)) {
      this.#near += need;
      return this.#zeroed(this.#near - need, size);
    }
    this.#data += need;
    return this.#zeroed(this.#data - need, size);
  }

  /** As `reserve`, but it stays over all runs until `forget`. */
  keep(size: number): Data {
    const need = (size + 7) & ~7;
    if (this.#isNear(need)) {
      this.#nearTop -= need;
      return this.#zeroed(this.#nearTop, size);
    }
    this.#top -= need;
    return this.#zeroed(this.#top, size);
  }

  /** Gives up all that was kept. */
  forget(): void {
    this.#nearTop = this.from.nearEnd;
    this.#top = this.from.dataEnd;
  }

  /** Whether so many bytes have room near; if not, they have it far, after a run if need be. */
  #isNear(need: number): boolean {
    if (this.#near + need <= this.#nearTop) return true;
    if (this.#data + need <= this.#top) return false;
    if (this.from.data + need > this.#top) {
      throw new CrError("more data than the agent's area holds", { subject: { ...this.area.subject, bytes: need } });
    }
    this.run();
    return this.#near + need <= this.#nearTop;
  }

  #zeroed(offset: number, size: number): Data {
    const { bytes } = this.area;
    bytes.fill(0, offset, offset + size);
    return new Data(offset, bytes, offset, size);
  }

  /** A copy of the bytes in the area. */
  data(bytes: Uint8Array): Data {
    const place = this.reserve(bytes.length);
    place.bytes.set(bytes);
    return place;
  }

  /** A NUL-terminated string in the area. */
  text(text: string): Data {
    if (text.includes("\0"))
      throw new CrError("a name with a NUL byte", { code: "EINVAL", subject: { path: text.replaceAll("\0", "\\0") } });
    return this.data(textToBytes(`${text}\0`));
  }

  /** How many more bytes of data fit before a run is needed. */
  get room(): number {
    return this.#top - this.#data;
  }

  /** How many more calls fit before a run is needed. */
  get calls(): number {
    return AREA.maxOps - this.from.ops - this.#ops;
  }

  /** What it leaves of the area to others. */
  get rest(): Free {
    const ops = this.from.ops + this.#ops;
    return { ops, near: this.#near, nearEnd: this.#nearTop, data: this.#data, dataEnd: this.#top };
  }

  /**
   * Runs all appended calls in one round trip; a call that fails and may not is a CrError that names it.
   * @param watch see `Area.execute`
   */
  run(watch?: () => void): void {
    const count = this.close();
    if (count > 0) this.settle(count, this.area.execute(count, watch));
  }

  /** Whether a call that is `watched` or comes `after` another has been made by the program that runs, or ran last. */
  made(of: Result): boolean {
    return this.result(of) !== UNMADE;
  }

  /** Makes an argument of a call 0 while the program runs, which the agent sees unless it is at that call already. */
  empty(of: Result, arg: number): void {
    this.area.view.setBigUint64(this.#start + of.index * OP.size + OP.args + arg * 8, 0n, true);
  }

  /** Ends the list, which others will run: how many calls it has. What is appended now belongs to the next one. */
  close(): number {
    const count = this.#ops;
    this.#ops = 0;
    this.#near = this.from.near;
    this.#data = this.from.data;
    this.#run++;
    return count;
  }

  /** What came of a list of `count` calls that stopped at one of them, or behind the last; see `run`. */
  settle(count: number, stopped: number): void {
    if (stopped < count) {
      const at = this.#start + stopped * OP.size;
      const nr = this.area.view.getUint32(at + OP.nr, true);
      const note = this.#notes[stopped];
      const result = Number(this.area.view.getBigInt64(at + OP.result, true));
      const subject = { ...this.area.subject, ...note?.subject };
      const what = note?.what ?? `${syscallName(nr)} in the task`;
      if (result < 0 && result >= -4095) throw sysError(result, what, subject, note?.remedy);
      throw new CrError(`${what}: the kernel answered 0x${result.toString(16)}`, { code: "EXPECTED", subject });
    }
  }

  /** The result of a call of the last run. */
  result(of: Result): number {
    if (of.run !== this.#run - 1) throw new CrError("a result is asked for before its program ran, or after another");
    return Number(this.area.view.getBigInt64(this.#start + of.index * OP.size + OP.result, true));
  }
}

/** The signed 32-bit number that an earlier call stores at this place (a received descriptor, a pipe's end). */
export function load32(data: Data): Load {
  return new Load(data);
}
