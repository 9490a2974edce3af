/** Memory of other processes and mappings of our own. */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { CrError, type Subject } from "../error.ts";
import { NR } from "./nr.ts";
import { AT_FDCWD } from "./stat.ts";
import { addressOf, check, cstring, readPieces, sys } from "./sys.ts";
import { putU64s } from "./u64.ts";

export const PAGE_SIZE = 4096;

const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;
const MADV_POPULATE_WRITE = 23;

/** /proc/PID/mem, open for reading and writing past page protections. Dispose closes it. */
export class RemoteMemory implements Disposable {
  readonly #fd: number;

  constructor(readonly pid: number) {
    const path = cstring(`/proc/${pid}/mem`);
    this.#fd = check(sys(NR.openat, AT_FDCWD, addressOf(path), O_RDWR | O_CLOEXEC), "cannot open the task's memory", {
      pid,
    });
  }

  /**
   * Fills `into` from `address`; false when some of it is not readable. Not by process_vm_readv(2), which pins the pages: the
   * kernel then first gives the task copies of those that it shares with a relative.
   */
  tryRead(address: number, into: Uint8Array): boolean {
    return into.length === 0 || sys(NR.pread64, this.#fd, addressOf(into), into.length, address) === into.length;
  }

  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (!this.tryRead(address, bytes)) {
      throw new CrError("cannot read the task's memory", { code: "EIO", subject: { pid: this.pid, address } });
    }
    return bytes;
  }

  /**
   * Many pieces of it, one behind the other: thousands of calls of `tryRead` take longer than the kernel does.
   * @param pieces addresses and lengths by turns
   * @param into is filled again and again
   * @param use gets what is there each time
   * @returns the address of a piece that is not readable
   */
  tryGather(pieces: readonly number[], into: Uint8Array, use: (bytes: Uint8Array) => void): number | undefined {
    if (pieces.length === 0) return undefined;
    const list = new Uint8Array(new ArrayBuffer(pieces.length * 8));
    putU64s(list, pieces.length, pieces);
    // struct pieces of ffi/shim.c
    const state = new BigInt64Array(new ArrayBuffer(56));
    const words = [this.#fd, addressOf(list), pieces.length / 2, 0, 0, addressOf(into), into.length];
    putU64s(new Uint8Array(state.buffer), words.length, words);
    let got = 0;
    do {
      got = readPieces(addressOf(state));
      if (got > 0) use(into.subarray(0, got));
    } while (got > 0);
    // it was read until now, by an address that keeps nothing alive
    addressOf(list);
    return got < 0 ? pieces[2 * Number(state[3])] : undefined;
  }

  /** How much was written, bytes, or the negative errno. */
  tryWrite(address: number, bytes: Uint8Array): number {
    return sys(NR.pwrite64, this.#fd, addressOf(bytes), bytes.length, address);
  }

  write(address: number, bytes: Uint8Array): void {
    const subject = { pid: this.pid, address };
    const done = check(this.tryWrite(address, bytes), "cannot write the task's memory", subject);
    if (done !== bytes.length) throw new CrError("cannot write the task's memory", { code: "EIO", subject });
  }

  [Symbol.dispose](): void {
    sys(NR.close, this.#fd);
  }
}

/**
 * A shared mapping of an open file in our own memory. Dispose unmaps it: the bytes must not be touched afterwards.
 * `lead`: so many bytes before the file's first are memory of our own. `populate`: all of its pages are mapped at once;
 * `touched`: those before this offset, where the kernel does that (Linux 5.14), for a fault each costs more.
 */
export class SharedView implements Disposable {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;

  constructor(
    fd: number,
    readonly size: number,
    subject: Subject = {},
    { lead = 0, populate = false, touched = 0 } = {},
  ) {
    const map = (at: number, length: number, flags: number, file: number) =>
      check(sys(NR.mmap, at, length, PROT_READ | PROT_WRITE, flags, file, 0), "cannot map shared memory", subject);
    const flags = MAP_SHARED | (populate ? MAP_POPULATE : 0);
    if (lead === 0) this.address = map(0, size, flags, fd);
    else {
      this.address = map(0, size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
      map(this.address + lead, size - lead, flags | MAP_FIXED, fd);
    }
    if (touched > lead) sys(NR.madvise, this.address + lead, touched - lead, MADV_POPULATE_WRITE);
    const buffer = toArrayBuffer(this.address as Pointer, 0, size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  [Symbol.dispose](): void {
    sys(NR.munmap, this.address, this.size);
  }
}

/** Opens the file behind a mapping of a task, by the exact bounds of the mapping: /proc/PID/map_files (needs CAP_CHECKPOINT_RESTORE). */
export function openMapFile(pid: number, start: number, end: number, flags: number): number {
  const path = cstring(`/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`);
  return sys(NR.openat, AT_FDCWD, addressOf(path), flags | O_CLOEXEC);
}
