import { CrError } from "../error.ts";
import { FdTypes, type RegFileEntry, type RemapFilePathEntry, RemapType } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { cstring } from "../kernel/sys.ts";
import { AT } from "../kernel/uapi/fcntl.ts";
import { giveLateFlags } from "./attributes.ts";
import { type Holders, makeGhost, openLink, placeKey } from "./ghost-restore.ts";
import type { FileRestore } from "./kind.ts";
import { perRun } from "./per-run.ts";

/** Very old images tell a ghost by this bit of the id. */
const OLD_GHOST = 0x8000_0000;

interface Group {
  readonly type: number;
  readonly remapId: number;
  readonly entries: RegFileEntry[];
  holders: Holders | undefined;
}

/** The files of one restore that cannot be opened by their names: deleted ones, and those behind a link of the dump. */
/** What a dump calls a link that keeps a file. */
const LINK_NAME = /(^|\/)link_remap\.\d+$/;

export class Remaps {
  readonly #byFile = new Map<number, Group>();
  readonly #byRemap = new Map<string, Group>();
  #byInode: Map<string, Group> | undefined;
  #isDone = false;

  /** The one of this restore. Reads the table of remaps on first use. */
  static readonly of = perRun((restore: FileRestore) => new Remaps(restore));

  private constructor(private readonly restore: FileRestore) {
    for (const remap of restore.images.read("REMAP_FPATH")) this.#add(remap);
    restore.atEnd(() => this.#close());
  }

  #add(remap: RemapFilePathEntry): void {
    const isOldGhost = remap.remap_type === undefined && remap.remap_id >= OLD_GHOST;
    const type = remap.remap_type ?? (isOldGhost ? RemapType.GHOST : RemapType.LINKED);
    const remapId = isOldGhost ? remap.remap_id - OLD_GHOST : remap.remap_id;
    const reg = this.restore.entries.get(remap.orig_id)?.reg;
    const subject = { file: remap.orig_id, image: "remap-fpath.img" };
    if (reg === undefined)
      throw new CrError("a remap of a file that is not in the images", { code: "BAD_IMAGE", subject });
    const key = `${type}:${remapId}`;
    const group = this.#byRemap.get(key) ?? { type, remapId, entries: [], holders: undefined };
    group.entries.push(reg);
    this.#byRemap.set(key, group);
    this.#byFile.set(remap.orig_id, group);
  }

  /** Whether a file is opened by way of a ghost or a link. */
  has(id: number): boolean {
    const type = this.#byFile.get(id)?.type;
    return type !== undefined && type !== RemapType.PROCFS;
  }

  /** Whether an entry is only the link that a dump has made for another file. */
  isLink(id: number): boolean {
    return this.#byRemap.has(`${RemapType.LINKED}:${id}`);
  }

  /** The pid of the dead task that a file of /proc belongs to, or undefined. */
  deadProcess(id: number): number | undefined {
    const group = this.#byFile.get(id);
    return group?.type === RemapType.PROCFS ? group.remapId : undefined;
  }

  /** Our O_PATH descriptor for such a file; it stays ours. The ghost is made on first use. */
  holder(id: number): number {
    const group = this.#byFile.get(id);
    const entry = group?.entries.find((one) => one.id === id);
    const fd = group && entry ? this.#holders(group).byPlace.get(placeKey(entry)) : undefined;
    if (fd === undefined) throw new CrError("a file has no remap", { code: "BAD_IMAGE", subject: { file: id } });
    return fd;
  }

  /** A description of the file that was opened together with it, if there is one; the caller's from now on. */
  takeReady(id: number): number | undefined {
    const group = this.#byFile.get(id);
    if (group === undefined || group.type === RemapType.PROCFS) return undefined;
    const { ready } = this.#holders(group);
    const fd = ready.get(id);
    ready.delete(id);
    return fd;
  }

  /**
   * Our O_PATH descriptor for the ghost that was inode `ino` of device `dev` (kernel encoding), or undefined: what was
   * watched, not opened.
   */
  byInode(dev: number, ino: number): number | undefined {
    this.#byInode ??= this.#readInodes();
    const group = this.#byInode.get(`${dev}:${ino}`);
    return group && this.#holders(group).byPlace.values().next().value;
  }

  #readInodes(): Map<string, Group> {
    const found = new Map<string, Group>();
    for (const group of this.#byRemap.values()) {
      const ghost = group.type === RemapType.GHOST ? this.restore.images.ghost(group.remapId) : undefined;
      if (ghost === undefined) continue;
      closeFd(ghost.fd);
      if (ghost.entry.ino !== undefined) found.set(`${ghost.entry.dev ?? 0}:${ghost.entry.ino}`, group);
    }
    return found;
  }

  #holders(group: Group): Holders {
    group.holders ??= this.#make(group);
    return group.holders;
  }

  #make(group: Group): Holders {
    if (group.type === RemapType.GHOST) return this.#makeGhost(group);
    if (group.type === RemapType.LINKED) {
      const { name, mnt_id } = this.#link(group);
      return openLink(name, mnt_id, group.entries, this.restore);
    }
    const subject = { path: group.entries[0]?.name, type: group.type };
    throw new CrError("a remap of an unknown type", { code: "BAD_IMAGE", subject });
  }

  #makeGhost(group: Group): Holders {
    const ghost = this.restore.images.ghost(group.remapId);
    const image = `ghost-file-${group.remapId.toString(16)}.img`;
    if (ghost === undefined) {
      throw new CrError("the image of a deleted file is missing", { code: "BAD_IMAGE", subject: { image } });
    }
    try {
      return makeGhost(ghost, group.remapId, group.entries, this.restore);
    } catch (cause) {
      throw new CrError("cannot bring back a deleted file", {
        subject: { path: group.entries[0]?.name, image },
        cause,
      });
    } finally {
      closeFd(ghost.fd);
    }
  }

  #link(group: Group): RegFileEntry {
    const entry = this.restore.entries.get(group.remapId);
    if (entry?.type !== FdTypes.REG || entry.reg === undefined) {
      throw new CrError("the link of a remap is not in the images", {
        code: "BAD_IMAGE",
        subject: { file: group.remapId },
      });
    }
    // it is removed afterwards: somebody's file must not be
    if (!LINK_NAME.test(entry.reg.name))
      throw new CrError("the link of a remap is not called as a dump calls it", {
        code: "BAD_IMAGE",
        subject: { path: entry.reg.name, image: "files.img" },
      });
    // criu names no mount there: it is that of the file
    const mnt_id = (entry.reg.mnt_id ?? -1) < 0 ? group.entries[0]?.mnt_id : entry.reg.mnt_id;
    return mnt_id === undefined ? entry.reg : { ...entry.reg, mnt_id };
  }

  /** Has the links that the dump made removed with the tree's first step: until then a restore can be tried again. */
  removeLinks(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const links = [...this.#byRemap.values()].filter(({ type }) => type === RemapType.LINKED);
    if (links.length === 0) return;
    const paths = links
      .map((group) => this.#link(group))
      .map(({ name, mnt_id }) => this.restore.groundOf(mnt_id).at(name));
    this.restore.atRelease(() => paths.map((path) => ({ nr: NR.unlinkat, args: [AT.FDCWD, cstring(path), 0] })));
  }

  /** Gives deleted files the flags with which they could not be opened as they are. */
  finish(): void {
    for (const { holders, entries } of this.#byRemap.values()) {
      if (holders?.late === undefined) continue;
      const { fd, flags } = holders.late;
      giveLateFlags(fd, flags, entries[0]?.name ?? "", this.restore.log);
    }
  }

  #close(): void {
    for (const { holders } of this.#byRemap.values()) {
      for (const fd of holders?.byPlace.values() ?? []) closeFd(fd);
      for (const fd of holders?.ready.values() ?? []) closeFd(fd);
      if (holders?.late !== undefined) closeFd(holders.late.fd);
    }
    this.#byRemap.clear();
    this.#byFile.clear();
  }
}
