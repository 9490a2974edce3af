import { readdirSync, statSync } from "node:fs";
import { CrError } from "../error.ts";
import type { Entry, Init } from "./codec.ts";
import { type ImageVersion, messageAt, readEntries, readStart } from "./framing.ts";
import { type Ghost, readGhost } from "./ghost.ts";
import { type IdTranslation, translateIds } from "./ids.ts";
import {
  type EntriesOf,
  type EntryKind,
  type EntryOf,
  imageArg,
  imageName,
  type KindName,
  kindNames,
  kindOf,
  type NameArg,
  type RawKind,
} from "./kinds.ts";
import { type Pagemap, readPagemap } from "./pagemap.ts";
import { RecordReader } from "./record.ts";
import type { InventoryEntry, U64 } from "./schema.gen.ts";
import { closeQuietly, errnoOf, openIfThere, readIfThere, storageError, toRead } from "./storage.ts";
import { Transaction } from "./transaction.ts";
import { ImageWriter } from "./writer.ts";

/** Name argument (where the kind has one), then the entries. */
type WriteArgs<K extends EntryKind> = [...NameArg<K>, entries: readonly Init<EntriesOf<K>[number]>[]];

/** The name argument of some kind, once its type has been checked. */
type AnyArg = readonly (U64 | string)[];

const inventoryName = "inventory.img";

/**
 * A set of images: a directory that is read (`open`) or written (`create`). All calls are synchronous, and the
 * directory may be named by a path below /proc/self/fd.
 *
 * While a set is written its files have hidden names; `commit` shows them all, the inventory last, and `abort` (also
 * at the end of a `using` scope) leaves the directory as it was.
 */
export class ImageDirectory implements Disposable {
  readonly #transaction: Transaction | undefined;
  readonly #writers = new Map<string, ImageWriter>();
  #inventory: InventoryEntry | undefined;
  /** Of user and group ids, on their way into the images or out of them: from ours, or to ours. */
  ids: IdTranslation | undefined;

  private constructor(
    readonly path: string,
    transaction: Transaction | undefined,
  ) {
    this.#transaction = transaction;
  }

  /**
   * Opens a finished set. Errors: CrError UNFINISHED_DUMP without inventory.img; BAD_IMAGE; PRE_DUMP for a set that
   * holds memory only, unless `preDump` allows that.
   */
  static open(path: string, preDump = false): ImageDirectory {
    try {
      if (!statSync(path).isDirectory()) throw Object.assign(new Error("not a directory"), { code: "ENOTDIR" });
    } catch (error) {
      throw storageError("use the directory of the images", path, error, toRead);
    }
    const directory = new ImageDirectory(path, undefined);
    const bytes = readIfThere(`${path}/${inventoryName}`);
    // a machine that failed right after the dump may leave it empty
    if (bytes === undefined || bytes.length === 0)
      throw new CrError("this is an unfinished dump, or no set of images: it has no inventory.img", {
        code: "UNFINISHED_DUMP",
        subject: { path },
        remedy: "name the directory of a finished dump with --images-dir, or dump again",
      });
    const reader = new RecordReader(bytes, `${path}/${inventoryName}`);
    readStart(reader, "INVENTORY", 2);
    directory.#inventory = readEntries(reader, "INVENTORY")[0] as unknown as InventoryEntry;
    checkVersion(directory.#inventory.img_version, preDump, reader.image);
    return directory;
  }

  /** Begins a new set in a directory that exists; what is there stays until `commit`. Errors: CrError. */
  static create(path: string): ImageDirectory {
    return new ImageDirectory(path, new Transaction(path));
  }

  /** A set that is written to nowhere. It cannot be committed. */
  static nowhere(): ImageDirectory {
    return new ImageDirectory("/dev", new Transaction("/dev", true));
  }

  /** What is written goes nowhere. */
  get isNowhere(): boolean {
    return this.#transaction?.nowhere === true;
  }

  /** The inventory of a set that was opened. */
  get inventory(): InventoryEntry {
    if (this.#inventory === undefined) throw new Error("a set that is being written has no inventory yet");
    return this.#inventory;
  }

  /** How the files begin. Sets of a pre-dump say 0 in their inventory and are as version 2. */
  get #version(): ImageVersion {
    return this.#inventory?.img_version === 1 ? 1 : 2;
  }

  #path(kind: KindName, arg: AnyArg): string {
    return `${this.path}/${imageName(kind, arg[0])}`;
  }

  // Reading.

  /** All entries of a file; none where there is no such file. Errors: CrError BAD_IMAGE. */
  read<K extends EntryKind>(kind: K, ...arg: NameArg<K>): EntriesOf<K> | [] {
    const reader = this.#reader(kind, arg);
    return (reader ? this.#entries(reader, kind) : []) as unknown as EntriesOf<K> | [];
  }

  /** The entry of a file that holds one and must be there. Errors: CrError MISSING_IMAGE, BAD_IMAGE. */
  one<K extends EntryKind>(kind: K, ...arg: NameArg<K>): EntryOf<K> {
    const reader = this.#reader(kind, arg);
    if (reader === undefined) throw this.missing(kind, ...arg);
    return this.#entries(reader, kind)[0] as unknown as EntryOf<K>;
  }

  #entries(reader: RecordReader, kind: KindName): Entry[] {
    const entries = readEntries(reader, kind);
    const { ids } = this;
    return ids ? entries.map((entry, at) => translateIds(messageAt(kindOf(kind), at), entry, ids)) : entries;
  }

  /** The error for an image that must be there. */
  missing(kind: KindName, ...arg: AnyArg): CrError {
    return new CrError(`the set lacks its image ${imageName(kind, arg[0])}`, {
      code: "MISSING_IMAGE",
      subject: { image: this.#path(kind, arg) },
      remedy: "take the whole set from its origin again, or dump again",
    });
  }

  /** A reader that stands after the magic numbers; undefined where there is no such file. */
  #reader(kind: KindName, arg: AnyArg): RecordReader | undefined {
    const path = this.#path(kind, arg);
    const bytes = readIfThere(path);
    if (bytes === undefined) return undefined;
    const reader = new RecordReader(bytes, path);
    readStart(reader, kind, this.#version);
    return reader;
  }

  /** A page map as columns; undefined where there is none. Errors: CrError BAD_IMAGE. */
  pagemap(kind: "PAGEMAP" | "SHMEM_PAGEMAP", id: number | bigint | string): Pagemap | undefined {
    const reader = this.#reader(kind, [id]);
    return reader && readPagemap(reader);
  }

  /** Where a ghost file's content lies; undefined where there is none. The caller closes its descriptor. */
  ghost(id: number): Ghost | undefined {
    const path = this.#path("GHOST_FILE", [id]);
    const fd = openIfThere(path);
    if (fd === undefined) return undefined;
    try {
      const ghost = readGhost(fd, path, this.#version);
      const entry = this.ids ? translateIds("ghost_file_entry", { ...ghost.entry }, this.ids) : undefined;
      return entry ? { ...ghost, entry: entry as unknown as Ghost["entry"] } : ghost;
    } catch (error) {
      closeQuietly(fd);
      throw error;
    }
  }

  /** A raw file's bytes; undefined where there is none. */
  readRaw<K extends RawKind>(kind: K, ...arg: NameArg<K>): Uint8Array | undefined {
    return readIfThere(this.#path(kind, arg));
  }

  /** A descriptor of a raw file, for reading; undefined where there is none. The caller closes it. */
  openRaw<K extends RawKind>(kind: K, ...arg: NameArg<K>): number | undefined {
    return openIfThere(this.#path(kind, arg));
  }

  /** Name arguments (as written) of all files of a kind, in numeric order; [""] for a kind without one that is there. */
  list(kind: KindName): string[] {
    let files: string[];
    try {
      files = readdirSync(this.path);
    } catch (error) {
      throw storageError("use the directory of the images", this.path, error, toRead);
    }
    const args = files.map((file) => imageArg(kind, file));
    return args.filter((arg) => arg !== undefined).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  }

  /** The set before this one (the link `parent`); undefined when there is none. Errors: CrError, as `open`. */
  parent(): ImageDirectory | undefined {
    const path = this.#transaction?.has("parent") ? this.#transaction.path("parent") : `${this.path}/parent`;
    try {
      statSync(path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw storageError("use the previous images", path, error, toRead);
    }
    return ImageDirectory.open(path, true);
  }

  // Writing.

  get #run(): Transaction {
    if (!this.#transaction?.isOpen) throw new Error(`${this.path} is not being written`);
    return this.#transaction;
  }

  /** Writes a file. Without entries none is made, and one that was there before goes. Errors: CrError. */
  write<K extends EntryKind>(kind: K, ...args: WriteArgs<K>): void {
    const [arg, entries] = split<K>(args);
    if (entries.length === 0) {
      this.#run.remove(imageName(kind, arg[0]));
      return;
    }
    this.append(kind, ...args);
    this.#finish(imageName(kind, arg[0]));
  }

  /** Adds entries to a file that several callers write. */
  append<K extends EntryKind>(kind: K, ...args: WriteArgs<K>): void {
    const [arg, entries] = split<K>(args);
    if (entries.length === 0) return;
    const writer = this.#writers.get(imageName(kind, arg[0])) ?? this.writer(kind, ...arg);
    for (const entry of entries) writer.append(entry as Init<EntriesOf<KindName>[number]>);
  }

  /** Begins a file that is written piece by piece: long arrays, content copied from elsewhere, raw files. */
  writer<K extends KindName>(kind: K, ...arg: NameArg<K>): ImageWriter<K> {
    return this.#begin(kind, arg);
  }

  #begin<K extends KindName>(kind: K, arg: NameArg<K>, purpose?: string): ImageWriter<K> {
    const name = imageName(kind, arg[0]);
    const writer = new ImageWriter(kind, this.#run.create(name, purpose), `${this.path}/${name}`, this.ids);
    this.#writers.set(name, writer as unknown as ImageWriter);
    return writer;
  }

  /** Makes a file ahead for the pages of somebody, and gives its descriptor. Errors: CrError ENOSPC and the like. */
  setAside(owner: number): number {
    return this.#run.setAside(`${owner}`);
  }

  /** Begins the image of somebody's pages, with the file that was set aside for them. */
  pagesWriter(owner: number, pagesId: number): ImageWriter<"PAGES"> {
    return this.#begin("PAGES", [pagesId], `${owner}`);
  }

  /** Begins a page map whose pages go to pages-`pagesId`.img. */
  pagemapWriter(kind: "PAGEMAP" | "SHMEM_PAGEMAP", id: number | bigint | string, pagesId: number): ImageWriter {
    const writer = this.writer(kind, id);
    writer.append({ pages_id: pagesId });
    return writer as unknown as ImageWriter;
  }

  /** Writes a raw file. */
  writeRaw<K extends RawKind>(kind: K, ...args: [...NameArg<K>, bytes: Uint8Array]): void {
    const bytes = args[args.length - 1] as Uint8Array;
    const arg = args.slice(0, -1) as unknown as NameArg<K>;
    this.writer(kind, ...arg).raw(bytes);
    this.#finish(imageName(kind, arg[0]));
  }

  #finish(name: string): void {
    this.#writers.get(name)?.end();
    this.#writers.delete(name);
    this.#run.close(name);
  }

  /** Links to the previous set. `target` is kept as given: relative to this directory, or absolute. */
  linkParent(target: string): void {
    this.#run.symlink("parent", target);
  }

  /** Names of so many files to be made ahead, for later calls of `write` and the like. */
  spareNames(count: number): string[] {
    return this.#run.spareNames(count);
  }

  /** Takes them, by the descriptors of those that were made. Errors: CrError ENOSPC and the like. */
  addSpares(names: readonly string[], fds: ArrayLike<number>): void {
    this.#run.addSpares(names, fds);
  }

  /**
   * Shows all files. With an inventory the set is finished: it appears as the last file (call `sync` once there is time), and
   * files of an older set that every reader would find (those without a name argument) go. Errors: CrError; the
   * directory is then as it was before `create`.
   * @param place gives the inventory its name, or throws
   */
  commit(inventory?: Init<InventoryEntry>, place?: (from: string, to: string) => void): void {
    const run = this.#run;
    try {
      if (inventory !== undefined) {
        for (const kind of kindNames) {
          const { file, start } = kindOf(kind);
          // that of the processor may have been written here before, by a command of its own
          if (!file.includes("%") && start !== "service" && kind !== "CPUINFO") run.remove(file);
        }
        this.writer("INVENTORY").append(inventory);
      }
      for (const writer of this.#writers.values()) writer.flush();
      this.#writers.clear();
      run.commit(inventoryName, place);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /**
   * Waits until the inventory of a committed set is on the disk. Not part of `commit`: it takes long, and a machine that fails
   * between the two takes the tree along in any case. Errors: CrError.
   */
  sync(): void {
    this.#transaction?.sync(inventoryName);
  }

  /** Takes away what this run wrote, unless it was committed. */
  abort(): void {
    this.#writers.clear();
    this.#transaction?.abort();
  }

  [Symbol.dispose](): void {
    this.abort();
  }
}

function split<K extends EntryKind>(args: WriteArgs<K>): [arg: NameArg<K>, entries: readonly Entry[]] {
  return [args.slice(0, -1) as unknown as NameArg<K>, args[args.length - 1] as unknown as readonly Entry[]];
}

function checkVersion(version: number, preDump: boolean, image: string): void {
  if (version === 1 || version === 2 || (version === 0 && preDump)) return;
  if (version === 0)
    throw new CrError("this set was made by a pre-dump: it holds memory, and no tasks", {
      code: "PRE_DUMP",
      subject: { image },
      remedy: "restore from the directory of the dump that followed it",
    });
  throw new CrError(`images of version ${version} are not known`, {
    code: "BAD_IMAGE",
    subject: { image },
    remedy: "restore with the program that dumped",
  });
}
