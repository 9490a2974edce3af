/** A process beside us that opens files and reads symbolic links on another CPU while we do something else. */
import { sendElsewhere } from "./elsewhere.ts";
import { NR } from "./nr.ts";
import { addressOf, startForerunner, sys } from "./sys.ts";

/** `struct forerunner` of ffi/beside.c, in words of 8 bytes. */
const WORD = { names: 0, count: 1, files: 2, fds: 3, links: 4, flags: 5, mode: 6, parent: 7, all: 8 };
const STACK = 32768;
const [WALL, EINTR] = [0x40000000, -4];
/** Bytes of a link's text that are kept, its end included. */
const LINK = 64;

/** What is to be done: paths as they are, without NUL. */
export interface Errands {
  /** Files to be opened, all with these flags and this mode. */
  readonly files: readonly string[];
  readonly flags?: number;
  readonly mode?: number;
  readonly links: readonly string[];
}

export interface Done {
  /** A descriptor for each of the files, or the negative errno. They are the caller's. */
  readonly fds: Int32Array;
  /** What the links say, each followed by NUL up to the length of `LINK`; nothing for one that cannot be read. */
  readonly links: string;
}

/** Its descriptors are ours, too. Dispose waits for it. */
export class Forerunner implements Disposable {
  static readonly LINK = LINK;
  readonly #words = new BigInt64Array(new ArrayBuffer(WORD.all * 8));
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #names: Uint8Array;
  readonly #fds: Int32Array;
  readonly #links: Buffer;
  #pid: number;

  constructor({ files, flags = 0, mode = 0, links }: Errands) {
    this.#names = new TextEncoder().encode(`${[...files, ...links].join("\0")}\0`);
    this.#fds = new Int32Array(new ArrayBuffer(4 * Math.max(1, files.length)));
    this.#links = Buffer.from(new ArrayBuffer(LINK * Math.max(1, links.length)));
    const words = this.#words;
    words[WORD.names] = BigInt(addressOf(this.#names));
    words[WORD.count] = BigInt(files.length + links.length);
    words[WORD.files] = BigInt(files.length);
    words[WORD.fds] = BigInt(addressOf(this.#fds));
    words[WORD.links] = BigInt(addressOf(this.#links));
    words[WORD.flags] = BigInt(flags);
    words[WORD.mode] = BigInt(mode);
    words[WORD.parent] = BigInt(process.pid);
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startForerunner(addressOf(words), top - (top % 16));
    if (this.#pid > 0) {
      sendElsewhere(this.#pid);
      return;
    }
    words[WORD.parent] = 0n;
    startForerunner(addressOf(words), 0);
  }

  /** Waits until all is done. */
  finish(): Done {
    if (this.#pid > 0) while (sys(NR.wait4, this.#pid, 0, WALL, 0) === EINTR);
    this.#pid = 0;
    // it ran on these until now
    for (const own of [this.#stack, this.#names]) addressOf(own);
    return { fds: this.#fds, links: this.#links.toString("latin1") };
  }

  [Symbol.dispose](): void {
    this.finish();
  }
}
