/**
 * Pages on their way from an image into a task that is being made: by way of a buffer of ours that stays in the CPU's cache,
 * and process_vm_writev(2). That is faster than a read(2) of the task's own into fresh memory: the kernel brings the pages
 * without a fault for each, and reaches them by its own mapping. (Where page tables are shadowed a fault costs ten times as
 * much as the copying.)
 */
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { putU64s } from "../kernel/u64.ts";

/** Bytes on their way at a time. */
export const BUFFER = 256 << 10;
/** UIO_MAXIOV: how many places one call writes to. */
const MAX_PLACES = 1024;
const IOVEC = 16;
const EFAULT = -14;
const ENOSYS = -38;

const buffer = new Uint8Array(new ArrayBuffer(BUFFER));
const bufferAt = addressOf(buffer);
const local = new Uint8Array(new ArrayBuffer(IOVEC));
const localAt = addressOf(local);
const remote = new Uint8Array(new ArrayBuffer(IOVEC * MAX_PLACES));
const remoteAt = addressOf(remote);

/** Reads so many bytes of a pages image, all of them. */
export function readPages(fd: number, into: number, length: number, offset: number, image: string): void {
  for (let done = 0; done < length; ) {
    const n = check(sys(NR.pread64, fd, into + done, length - done, offset + done), `cannot read ${image}`, {
      image,
    });
    if (n === 0)
      throw new CrError("it ends before its pages do", {
        code: "BAD_IMAGE",
        subject: { image },
        remedy: "take the whole set from its origin again, or dump again",
      });
    done += n;
  }
}

/** Copies from one image into one task. What is `put` is there after `flush`. */
export class PageCopier {
  /** Addresses and lengths, by turns, of what comes next in the image. */
  #places: number[] = [];
  #bytes = 0;
  #offset = 0;

  constructor(
    private readonly pid: number,
    private readonly fd: number,
    private readonly image: string,
  ) {}

  /** Fills `length` bytes at `address`, which is writable memory, with what the image holds from `offset` on. */
  put(address: number, length: number, offset: number): void {
    if (this.#offset + this.#bytes !== offset) this.flush();
    let at = address;
    for (let left = length; left > 0; ) {
      if (this.#bytes === BUFFER || this.#places.length === 2 * MAX_PLACES) this.flush();
      if (this.#bytes === 0) this.#offset = offset + length - left;
      const part = Math.min(left, BUFFER - this.#bytes);
      this.#places.push(at, part);
      this.#bytes += part;
      at += part;
      left -= part;
    }
  }

  flush(): void {
    const total = this.#bytes;
    if (total === 0) return;
    const places = this.#places;
    readPages(this.fd, bufferAt, total, this.#offset, this.image);
    let from = 0;
    for (let done = 0; done < total; ) {
      const n = places.length - from;
      putU64s(local, 2, [bufferAt + done, total - done]);
      putU64s(remote, n, from === 0 ? places : places.slice(from));
      const result = sys(NR.process_vm_writev, this.pid, localAt, 1, remoteAt, n / 2, 0);
      const subject = { pid: this.pid, address: places[from] ?? 0 };
      const remedy = result === ENOSYS ? "use a kernel with CONFIG_CROSS_MEMORY_ATTACH" : undefined;
      let written = check(result === 0 ? EFAULT : result, "cannot fill an area", subject, remedy);
      done += written;
      for (; written > 0 && written >= (places[from + 1] ?? 0); from += 2) written -= places[from + 1] ?? 0;
      places[from] = (places[from] ?? 0) + written;
      places[from + 1] = (places[from + 1] ?? 0) - written;
    }
    this.#places = [];
    this.#bytes = 0;
  }
}
