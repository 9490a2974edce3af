/** The descriptors of the frozen tree, their kinds, and the files that are no descriptors. */
import { existsSync, renameSync } from "node:fs";
import { CrError } from "../error.ts";
import { describeFile, describeQueued, FileCollector } from "../file/collect.ts";
import { type Ground, ownGround, type Surroundings } from "../file/ground.ts";
import type { FileDump, FileKind, HeldFd, OpenFile } from "../file/kind.ts";
import { checkLocks, dumpLocks } from "../file/locks.ts";
import { isMemfdLink, MemoryFiles } from "../file/memfd.ts";
import { kindOf, kinds } from "../file/registry.ts";
import { RegularFiles } from "../file/regular-files.ts";
import { shmemDevice } from "../file/shmem-device.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { FdinfoEntry, FileEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, reopenToRead, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import type { Call } from "../kernel/standby.ts";
import { type FileStat, statFd, statPath } from "../kernel/stat.ts";
import { cstring, sys } from "../kernel/sys.ts";
import { inIpcNamespace } from "../kernel/sysv.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { Undoing } from "../kernel/undoing.ts";
import type { Log } from "../log.ts";
import { dumpShared } from "../memory/shared.ts";
import { NAMESPACES, type NamespaceIds } from "../namespace/ids.ts";
import type { DumpOptions } from "../options.ts";
import type { Executioner } from "./executioner.ts";
import type { TaskObjects } from "./objects.ts";
import type { VirtualPids } from "./pids.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

const FD_CLOEXEC = 1;
/** Numbers of contents whose own is taken: where no inode's usually is. */
const OTHER_CONTENTS = 0x8000_0000;

/** Does all of it, whatever comes of each; what failed first is thrown at the end. */
export function allOf(actions: readonly (() => void)[]): void {
  const errors: unknown[] = [];
  for (const action of actions) {
    try {
      action();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

export class TreeFiles implements FileDump, Disposable {
  readonly held: HeldFd[];
  readonly netNsId: number;
  readonly network: string | undefined;
  readonly blockers: CrError[] = [];
  readonly #collector: FileCollector;
  readonly #processes: ReadonlyMap<number, number>;
  readonly #entries: FileEntry[] = [];
  readonly #kinds = new Map<OpenFile, FileKind>();
  readonly #undoing = new Undoing();
  readonly #undo: (() => void)[] = [];
  readonly #end: (() => readonly Call[])[] = [];
  readonly runId = crypto.randomUUID();
  /** Numbers of saved contents by device and inode, and all that are in use. */
  readonly #contents = new Map<string, number>();
  readonly #taken = new Set<number>();
  #id = 0;
  /** Bytes of shared memory written. */
  sharedBytes = 0;

  constructor(
    readonly images: ImageDirectory,
    readonly options: DumpOptions,
    readonly log: Log,
    readonly tree: FrozenTree,
    readonly pagesId: () => number,
    objects: ReadonlyMap<number, TaskObjects>,
    readonly virtual: VirtualPids,
    readonly namespaces: NamespaceIds,
    readonly beside: Executioner,
    readonly treeMounts: Surroundings,
  ) {
    this.netNsId = namespaces.ofTask(tree.root.pid).net_ns_id;
    this.network = this.netNsId === namespaces.own.net_ns_id ? undefined : `/proc/${tree.root.pid}/ns/net`;
    this.#processes = new Map(tree.tasks.map((task) => [task.pid, task.leader]));
    this.#collector = new FileCollector(this);
    for (const task of tree.tasks)
      if (objects.get(task.pid)?.filesOwner === task.pid) this.#collector.addTable(task.pid);
    this.held = this.#collector.held;
  }

  get pids(): number[] {
    return this.tree.tasks.map((t) => t.pid);
  }

  get strays(): number[] {
    return [...this.namespaces.strays.keys()];
  }

  processOf(pid: number): number {
    return this.#processes.get(pid) ?? pid;
  }

  virtualPid(hostPid: number): number {
    return this.virtual.of(hostPid);
  }

  namespaceId(name: string, ino: number): number | undefined {
    const known = NAMESPACES.find((one) => one === name);
    return known && this.namespaces.byInode(known, ino);
  }

  get mounts(): readonly MountInfo[] {
    return this.treeMounts.mounts;
  }

  get automounts(): ReadonlySet<number> {
    return this.treeMounts.automounts ?? new Set();
  }

  groundOf(mntId?: number): Ground {
    return this.treeMounts.groundOf(mntId);
  }

  mountId(mntId: number): number | undefined {
    return this.treeMounts.mountId(mntId);
  }

  get #ipcMember(): number | undefined {
    return this.namespaces.foreign.find(({ name, member }) => name === "ipc" && !this.namespaces.strays.has(member))
      ?.member;
  }

  get ipcApart(): boolean {
    return this.#ipcMember !== undefined;
  }

  inIpc<T>(act: (call: Caller) => T): T {
    const member = this.#ipcMember;
    return member === undefined ? act(sys) : inIpcNamespace(member, act);
  }

  nextId(): number {
    return ++this.#id;
  }

  add(entry: FileEntry): void {
    this.#entries.push(entry);
  }

  regular(file: OpenFile): number {
    return RegularFiles.of(this).idForDescriptor(file);
  }

  inFlight(dup: number, from: OpenFile): number {
    const { file, isNew } = this.#collector.adopt(dup, from);
    if (isNew) this.#kindOf(file).dump(file, this);
    return file.id;
  }

  inQueues(look: (file: OpenFile) => void): void {
    const seen = new Set<string>();
    const within = (carrier: OpenFile) => {
      if (seen.has(carrier.link)) return;
      seen.add(carrier.link);
      for (const dup of this.#kindOf(carrier).queued?.(carrier, this) ?? []) {
        try {
          const file = describeQueued(dup, carrier);
          look(file);
          within(file);
        } finally {
          closeFd(dup);
        }
      }
    };
    for (const file of this.#collector.files) within(file);
  }

  shared({ dev, ino, size }: Pick<FileStat, "dev" | "ino" | "size">, fd: number): number {
    const key = `${dev}:${ino}`;
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    let shmid = ino;
    for (let other = OTHER_CONTENTS; shmid > 0xffff_ffff || this.#taken.has(shmid); other++) shmid = other;
    this.#contents.set(key, shmid);
    this.#content(shmid, fd, size);
    return shmid;
  }

  /** Keeps the numbers of contents that are System V segments' ids, which no other content may have. */
  reserve(ids: Iterable<number>): void {
    for (const id of ids) this.#taken.add(id);
  }

  /** Saves the content of the segment with this id. */
  segment(id: number, fd: number): void {
    this.#content(id, fd, statFd(fd).size);
  }

  #content(shmid: number, fd: number, size: number): void {
    this.#taken.add(shmid);
    // few trees have such memory: a rehearsal need not copy its own
    if (this.images.isNowhere) return;
    const own = reopenToRead(fd, "cannot open shared memory anew");
    try {
      this.sharedBytes += dumpShared(this.images, shmid, this.pagesId(), own, size);
    } finally {
      closeFd(own);
    }
  }

  blocker(error: CrError): void {
    this.blockers.push(error);
  }

  onFailure(undo: () => void): void {
    this.#undo.push(undo);
  }

  ifWeDie(calls: readonly Call[], ground: Ground = ownGround): () => void {
    return this.#undoing.add(calls, ground.root !== undefined);
  }

  /** Gives the last image its name. The set is complete then, and needs what was made for it, also if we die in that instant. */
  complete(from: string, to: string): void {
    const [at, then] = [cstring(from), cstring(to)];
    if (this.#undoing.isThere) this.#undoing.carryOut([{ nr: NR.renameat2, args: [AT.FDCWD, at, AT.FDCWD, then, 0] }]);
    if (existsSync(from)) renameSync(from, to);
  }

  #kindOf(file: OpenFile): FileKind {
    let kind = this.#kinds.get(file);
    if (!kind) {
      kind = kindOf(file);
      this.#kinds.set(file, kind);
    }
    return kind;
  }

  /** Looks for everything that could not be dumped, before anything is written. */
  check(): void {
    for (const file of this.#collector.files) this.#kindOf(file).check?.(file, this);
    checkLocks(this);
  }

  /** The id of an executable or directory, named by a link of /proc/PID. */
  idForLink({ pid, dir }: Pick<FrozenTask, "pid" | "dir">, name: string): number {
    const path = `/proc/${pid}/${name}`;
    // most tasks of a tree have these in common
    const seen = statPath(path);
    const known = seen && RegularFiles.of(this).knownPath(seen);
    if (known !== undefined) return known;
    const link = dir.link(name);
    const isMemory = isMemfdLink(link);
    const fd = tryOpen(path, isMemory ? O.RDONLY : O.PATH);
    if (fd < 0) throw new CrError("cannot open a file of the task", { subject: { pid, path: link } });
    try {
      const file = describeFile(0, fd, link, 0, { pid, fd: -1 });
      // some programs run from a memfd
      if (isMemory && file.stat.dev === shmemDevice()) return this.memoryFile(file);
      return RegularFiles.of(this).idForPath(file);
    } finally {
      closeFd(fd);
    }
  }

  /** The id of a memory file that is mapped: shared anonymous memory or a memfd. */
  memoryFile(file: OpenFile): number {
    return MemoryFiles.of(this).idForMapping(file);
  }

  /** Writes everything that the tree's descriptors are. */
  dump(): void {
    // kinds may find more files on the way (in queues): those are dumped by inFlight
    for (const file of [...this.#collector.files]) this.#kindOf(file).dump(file, this);
    for (const kind of kinds) {
      const mine = [...this.#kinds.entries()].filter(([, k]) => k === kind).map(([f]) => f);
      if (mine.length > 0) kind.dumpAll?.(mine, this);
    }
    dumpLocks(this);
  }

  /** Writes files.img, once all who add to it have done so. */
  finish(): void {
    this.images.write("FILES", this.#entries);
  }

  /** The descriptor table of a task, as its fdinfo image keeps it. */
  table(pid: number): FdinfoEntry[] {
    return this.held
      .filter((h) => h.pid === pid)
      .map((h) => ({ id: h.file.id, flags: h.cloexec ? FD_CLOEXEC : 0, type: this.#kindOf(h.file).type, fd: h.fd }));
  }

  beforeTheEnd(action: () => readonly Call[]): void {
    this.#end.push(action);
  }

  /** The tree is about to be ended: who has to do something in one go with that has its calls ready. */
  prepareEnd(): void {
    this.beside.beforeTheEnd(this.#end.flatMap((action) => action()));
  }

  /** Takes back what the dump did to the tree's files. */
  undo(): void {
    allOf(this.#undo.splice(0).reverse());
  }

  [Symbol.dispose](): void {
    this.#undoing[Symbol.dispose]();
    this.#collector[Symbol.dispose]();
  }
}
