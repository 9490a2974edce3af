/** Image files that a process beside us makes while the tree still runs and we are busy otherwise. */
import { allowDescriptors } from "../file/numbers.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { O } from "../kernel/fd.ts";
import { Forerunner } from "../kernel/forerunner.ts";

/** As images are made. */
const NEW = { flags: O.RDWR | O.CREAT | O.EXCL | O.NOFOLLOW | O.CLOEXEC, mode: 0o644 } as const;

export class FilesAhead implements Disposable {
  readonly #names: readonly string[];
  #forerunner: Forerunner | undefined;

  /** @param threads of the tree, by process */
  constructor(
    readonly images: ImageDirectory,
    threads: ReadonlyMap<number, readonly number[]>,
  ) {
    this.#names = images.spareNames(filesOf(threads));
    this.#forerunner = new Forerunner({ files: this.#names, ...NEW, links: [] });
  }

  /** Waits until all are made. Errors: CrError ENOSPC and the like. */
  finish(): void {
    const done = this.#forerunner?.finish();
    this.#forerunner = undefined;
    if (done) this.images.addSpares(this.#names, done.fds);
  }

  /** Whoever ends early has an error to tell already: those that nobody could make are no other. */
  [Symbol.dispose](): void {
    try {
      this.finish();
    } catch {
      // what was made is known to the images, which take it away
    }
  }
}

/** How many image files to make: as many as it will take, as far as descriptors go. */
function filesOf(threads: ReadonlyMap<number, readonly number[]>): number {
  const always = 5;
  const perTask = 7;
  // descriptors for all else that a dump opens
  const others = 256;
  const all = [...threads.values()].reduce((sum, tids) => sum + tids.length, 0);
  return Math.max(0, Math.min(always + threads.size * (perTask - 1) + all, allowDescriptors(1024) - others));
}
