import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import type { Ground } from "./ground.ts";
import type { IfWeDie } from "./kind.ts";

const EEXIST = -(ERRNO.EEXIST ?? 17);
const WHAT = "cannot make a deleted file again";

/** Makes a file of some type under a name; the result or the negative errno. */
export type Maker = (name: Uint8Array) => number;

interface Removal {
  make(): void;
  /** It is not to be made any more. */
  forget(): void;
  /** If we die it comes last. */
  again(): void;
}

/**
 * Names that exist for a moment, so that files can be opened under them: the kernel remembers a deleted file by the name
 * that it was opened with. Disposing takes all of them away, and the directories that had to be made for them.
 */
export class TemporaryNames implements Disposable {
  /** Files before the directories that were made for them. */
  readonly #names: (() => void)[] = [];
  readonly #directories: Removal[] = [];

  /** @param suffix stands behind a name that is taken, and then makes another */
  constructor(
    private readonly suffix: string,
    /** Where names lead, unless another ground is given. */
    readonly ground: Ground,
    private readonly ifWeDie: IfWeDie,
  ) {}

  /**
   * Makes something under `name`, or beside it when another file has taken the name meanwhile. Returns the name that it got.
   */
  make(name: string, maker: Maker, isDirectory = false, ground: Ground = this.ground): string {
    this.#makeParents(name, ground);
    for (const path of [name, `${name}${this.suffix}`]) {
      // not ours to take away
      if (path === name && ground.stat(path, true) !== undefined) continue;
      const remove = this.#removal(path, isDirectory ? AT.REMOVEDIR : 0, ground);
      const result = maker(cstring(ground.at(path)));
      if (result < 0) remove.forget();
      if (result === EEXIST && path === name) continue;
      check(
        result,
        WHAT,
        { path },
        result === EEXIST ? "remove what an interrupted restore left there" : remedyFor(result),
      );
      this.#names.push(remove.make);
      // they are empty only when it is gone
      for (const directory of this.#directories.toReversed()) directory.again();
      return path;
    }
    throw new CrError(WHAT, { code: "EEXIST", subject: { path: name } });
  }

  /** Opens a name without using the file. The caller closes it. */
  hold(path: string, ground: Ground = this.ground): number {
    return check(ground.open(path, O.PATH | O.NOFOLLOW), WHAT, { path });
  }

  /** Directories above a name that are gone, too: they are made and taken away again. */
  #makeParents(name: string, ground: Ground): void {
    const parent = name.slice(0, name.lastIndexOf("/"));
    if (parent === "" || ground.stat(parent) !== undefined) return;
    this.#makeParents(parent, ground);
    const path = cstring(ground.at(parent));
    const remove = this.#removal(parent, AT.REMOVEDIR, ground);
    check(sys(NR.mkdirat, AT.FDCWD, addressOf(path), 0o700), WHAT, { path: parent });
    this.#directories.push(remove);
  }

  /** What takes a name away, which is made if we die, too. */
  #removal(path: string, flags: number, ground: Ground): Removal {
    const name = cstring(ground.at(path));
    const calls = [{ nr: NR.unlinkat, args: [AT.FDCWD, name, flags] }];
    let forget = this.ifWeDie(calls, ground);
    return {
      make: () => {
        sys(NR.unlinkat, AT.FDCWD, addressOf(name), flags);
        forget();
      },
      forget: () => forget(),
      again: () => {
        const before = forget;
        forget = this.ifWeDie(calls, ground);
        before();
      },
    };
  }

  /** Makes sure that a name's directory is there, and tells it. */
  directoryOf(name: string): string {
    this.#makeParents(name, this.ground);
    return name.slice(0, name.lastIndexOf("/")) || "/";
  }

  [Symbol.dispose](): void {
    for (const remove of this.#names.reverse()) remove();
    for (const { make } of this.#directories.reverse()) make();
  }
}

function remedyFor(result: number): string | undefined {
  if (result === -(ERRNO.EROFS ?? 30)) return "mount the file system for writing while the restore runs";
  if (result === -(ERRNO.EXDEV ?? 18)) return "bring the file's directory back to the file system of the link";
  return undefined;
}
