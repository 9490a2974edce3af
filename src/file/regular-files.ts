import type { CrError } from "../error.ts";
import { FdTypes, type FownEntry, type RegFileEntry, RemapType, type U64 } from "../image/schema.gen.ts";
import { writeLife } from "../kernel/attributes.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { type FileStat, S_IFMT, S_IFREG } from "../kernel/stat.ts";
import { toU64 } from "../kernel/u64.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { readBuildId } from "./build-id.ts";
import { Ghosts, tooLarge } from "./ghost.ts";
import type { FileDump, OpenFile } from "./kind.ts";
import { LinkRemaps, linkForbidden } from "./link-remap.ts";
import { perRun } from "./per-run.ts";
import { type NamedFile, type Place, placeOf } from "./place.ts";

const nobody: FownEntry = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

/** Position of a description, exact: some file systems use all 63 bits for places in a directory. */
function exactPos(file: OpenFile): U64 {
  if (Number.isSafeInteger(file.pos)) return file.pos;
  const text = /^pos:\s*(\d+)/m.exec(file.info.raw)?.[1];
  return text === undefined ? file.pos : toU64(BigInt(text));
}

const keyOf = ({ dev, ino }: FileStat, mntId: number) => `${dev}:${ino}:${mntId}`;

/**
 * What one dump knows of files with a path: entries for descriptors, executables, directories and mappings, and the
 * ghosts and links that they share.
 */
export class RegularFiles {
  readonly #ghosts: Ghosts;
  readonly #links: LinkRemaps;
  readonly #buildIds = new Map<string, number[]>();
  readonly #byPath = new Map<string, number>();
  readonly #places = new WeakMap<NamedFile, Place>();

  /** The one of this dump. */
  static readonly of = perRun((dump: FileDump) => new RegularFiles(dump));

  private constructor(private readonly dump: FileDump) {
    this.#ghosts = new Ghosts(dump);
    this.#links = new LinkRemaps(dump);
  }

  /** What keeps a file from being dumped, or undefined. Reads only. */
  problem(file: NamedFile): CrError | undefined {
    try {
      const { how } = this.#place(file);
      if (how === "ghost") return tooLarge(file, this.dump.options.ghostLimit);
      return how === "link" ? linkForbidden(file, this.dump.options.linkRemap) : undefined;
    } catch (error) {
      return error as CrError;
    }
  }

  #place(file: NamedFile): Place {
    const known = this.#places.get(file) ?? placeOf(file, this.dump.options, this.dump.groundOf(file.mntId));
    this.#places.set(file, known);
    return known;
  }

  /** Adds the entry of a descriptor of the tree, under its own id. */
  addDescriptor(file: OpenFile): void {
    this.#add(file.id, file, exactPos(file), file.fown);
  }

  /** A new entry with a descriptor's flags and owner, for kinds that keep a path beside their own entry (FIFOs, ttys). */
  idForDescriptor(file: OpenFile): number {
    const id = this.dump.nextId();
    this.#add(id, file, 0, file.fown);
    return id;
  }

  /**
   * The id of something that is no descriptor: an executable, a working or root directory, the file behind a mapping.
   * There is one for each device, inode and mount.
   */
  idForPath(file: NamedFile): number {
    const key = keyOf(file.stat, file.mntId);
    const known = this.#byPath.get(key);
    if (known !== undefined) return known;
    const id = this.dump.nextId();
    this.#add(id, file.flags === 0 ? file : { ...file, flags: 0 }, 0, nobody);
    this.#byPath.set(key, id);
    return id;
  }

  /** The same for what `idForPath` has met. */
  knownPath(stat: FileStat): number | undefined {
    return this.#byPath.get(keyOf(stat, stat.mntId));
  }

  #add(id: number, file: NamedFile, pos: U64, fown: FownEntry): void {
    const place = this.#place(file);
    const reg: RegFileEntry = {
      id,
      flags: file.flags,
      pos,
      fown,
      name: place.name,
      mnt_id: this.dump.mountId(file.mntId),
      mode: file.stat.mode,
      build_id: [],
    };
    if (place.how === "external") reg.ext = true;
    if ((file.stat.mode & S_IFMT) === S_IFREG) {
      reg.size = file.stat.size;
      // a ghost is made of what was saved: looking into it here would only show in its access time
      if (place.how !== "ghost") {
        reg.build_id = this.#buildId(file);
        const life = writes(file) ? writeLife(file.dup) : 0;
        if (life) reg.tscriu_write_life = life;
      }
    }
    if (place.how === "ghost") this.#remap(id, this.#ghosts.idOf(file), RemapType.GHOST);
    if (place.how === "process") this.#remap(id, place.process, RemapType.PROCFS);
    if (place.how === "link") this.#remap(id, this.#links.idOf(file, place.name), RemapType.LINKED);
    this.dump.add({ type: FdTypes.REG, id, reg });
  }

  #remap(orig_id: number, remap_id: number, remap_type: RemapType): void {
    this.dump.images.append("REMAP_FPATH", [{ orig_id, remap_id, remap_type }]);
  }

  #buildId(file: NamedFile): number[] {
    if (this.dump.options.fileValidation !== "buildid" || file.stat.size === 0) return [];
    const key = `${file.stat.dev}:${file.stat.ino}`;
    const known = this.#buildIds.get(key);
    if (known !== undefined) return known;
    const id = buildIdOf(file);
    this.#buildIds.set(key, id);
    return id;
  }
}

/** Who may write to a file may have said how long that lives. */
function writes({ flags }: NamedFile): boolean {
  return (flags & O.ACCMODE) !== O.RDONLY && (flags & O.PATH) === 0;
}

/** Reads through the descriptor that is there where that is allowed, else through a new one. */
function buildIdOf(file: NamedFile): number[] {
  const isReadable = (file.flags & O.ACCMODE) !== O.WRONLY && (file.flags & (O.PATH | O.DIRECT)) === 0;
  if (file.flags === 0 ? file.isReadable : isReadable) return readBuildId(file.dup);
  const fd = tryOpen(`/proc/self/fd/${file.dup}`, O.RDONLY | O.NONBLOCK);
  if (fd < 0) return [];
  try {
    return readBuildId(fd);
  } finally {
    closeFd(fd);
  }
}
