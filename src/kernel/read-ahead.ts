/**
 * Long files of /proc, such as the smaps of a task with thousands of areas: a process beside us reads them on another CPU while we
 * look at what is there already.
 */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { sendElsewhere } from "./elsewhere.ts";
import { NR } from "./nr.ts";
import { addressOf, startReader, sys } from "./sys.ts";
import { MADV, MAP, PROT } from "./uapi/mman.ts";

/** `struct reader` of ffi/beside.c, in words of 8 bytes; the first holds `used` and `done`. */
const WORD = { fd: 1, into: 2, room: 3, error: 4, parent: 5, all: 6 } as const;
const USED = 0;
const DONE = 1;
const STACK = 32768;
/** What most tasks' files fit in; memory is taken as it is used. */
const ROOM = 64 << 20;
/** Bytes that are worth a look. */
const ENOUGH = 128 << 10;
/** Between two looks whether there is enough: 50 us. */
const PAUSE = new BigInt64Array([0n, 50_000n]);
const MAP_FLAGS = MAP.PRIVATE | MAP.ANONYMOUS | MAP.NORESERVE;
/** Of a huge page on most machines. */
const HUGE = 2 << 20;
const [SIGKILL, WALL, EINTR] = [9, 0x40000000, -4];

/**
 * Reads a file from its position to its end. `use` gets what is there and was not used yet, and whether that is all; it says how
 * many bytes of it are used. Returns 0, or the negative errno.
 * @param begun what was read of it already
 * @param room bytes, a multiple of the page size, that hold what is not used yet
 */
export function readAhead(
  fd: number,
  use: (text: Buffer, isAll: boolean) => number,
  begun?: Uint8Array,
  room = ROOM,
): number {
  const mapped = sys(NR.mmap, 0, room + HUGE, PROT.READ | PROT.WRITE, MAP_FLAGS, -1, 0);
  if (mapped < 0) return mapped;
  const base = Math.ceil(mapped / HUGE) * HUGE;
  // a fault for each of thousands of pages would take the kernel as long as what it writes there
  sys(NR.madvise, base, room, MADV.HUGEPAGE);
  try {
    // never all of it: the garbage collector would take it for memory that is in use
    const piece = (from: number, to: number) => Buffer.from(toArrayBuffer((base + from) as Pointer, 0, to - from));
    if (begun) piece(0, begun.length).set(begun);
    for (let kept = begun?.length ?? 0; ; ) {
      const reader = new Reader(fd, base, kept, room);
      let from = 0;
      let used = kept;
      try {
        for (let done = false; !done; ) {
          [used, done] = reader.await(from + ENOUGH);
          if (reader.error < 0) return reader.error;
          from += use(used > from ? piece(from, used) : Buffer.alloc(0), done && used < room);
        }
      } finally {
        reader[Symbol.dispose]();
      }
      if (used < room) return 0;
      // it did not fit: what is left over goes to the beginning
      if (from === 0) return -7;
      kept = used - from;
      piece(0, used).copyWithin(0, from);
    }
  } finally {
    sys(NR.munmap, mapped, room + HUGE);
  }
}

class Reader implements Disposable {
  readonly #words = new BigInt64Array(new ArrayBuffer(WORD.all * 8));
  readonly #halves = new Int32Array(this.#words.buffer);
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #pid: number;

  constructor(
    private readonly fd: number,
    private readonly base: number,
    kept: number,
    private readonly room: number,
  ) {
    const words = this.#words;
    this.#halves[USED] = kept;
    words[WORD.fd] = BigInt(fd);
    words[WORD.into] = BigInt(base);
    words[WORD.room] = BigInt(room);
    words[WORD.parent] = BigInt(process.pid);
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startReader(addressOf(words), top - (top % 16));
    if (this.#pid > 0) sendElsewhere(this.#pid);
  }

  get error(): number {
    return Number(this.#words[WORD.error]);
  }

  /** Waits until so many bytes are there, or all that come: how many, and whether these are all. */
  await(bytes: number): [used: number, done: boolean] {
    for (;;) {
      // in this order: what came before the end is counted
      const done = Atomics.load(this.#halves, DONE) === 1;
      const used = Atomics.load(this.#halves, USED);
      if (done || used >= bytes) return [used, done];
      if (this.#pid > 0) sys(NR.nanosleep, addressOf(PAUSE), 0);
      else this.#readOn(used);
    }
  }

  /** What the process would do, where none could be started. */
  #readOn(used: number): void {
    const got = sys(NR.read, this.fd, this.base + used, this.room - used);
    if (got === EINTR) return;
    this.#halves[USED] = used + Math.max(0, got);
    if (got < 0) this.#words[WORD.error] = BigInt(got);
    if (got <= 0 || used + got === this.room) this.#halves[DONE] = 1;
  }

  [Symbol.dispose](): void {
    if (this.#pid < 0) return;
    if (Atomics.load(this.#halves, DONE) === 0) sys(NR.kill, this.#pid, SIGKILL);
    while (sys(NR.wait4, this.#pid, 0, WALL, 0) === EINTR);
    // it ran on it until now
    addressOf(this.#stack);
  }
}
