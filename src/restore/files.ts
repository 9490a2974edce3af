/** The descriptors of a restored tree: opened by us through their kinds, then put at their numbers. */

import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { DeadProcesses } from "../file/dead-process.ts";
import { type Ground, ownGround, ownSurroundings, type Surroundings } from "../file/ground.ts";
import type { FileKind, FileRestore, RestoredTask } from "../file/kind.ts";
import { restoreLocks } from "../file/locks.ts";
import { receiveAndPlace, type Service } from "../file/numbers.ts";
import { setOwner } from "../file/owner.ts";
import { kindOfEntry, kinds } from "../file/registry.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { IdTranslation } from "../image/ids.ts";
import type { FdinfoEntry, FileEntry, FownEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, F, fcntl, makePipe, reopen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { makeSmall } from "../kernel/small-file.ts";
import type { Call } from "../kernel/standby.ts";
import { check, sys } from "../kernel/sys.ts";
import { inIpcNamespace } from "../kernel/sysv.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { Undoing } from "../kernel/undoing.ts";
import type { Log } from "../log.ts";
import { fillShared } from "../memory/shared.ts";
import type { RestoreOptions } from "../options.ts";
import { isI386Core } from "../task/arch/i386.ts";
import type { SavedSet } from "./set.ts";

/** Flags that fcntl(F_SETFL) can change. */
const CHANGEABLE = O.APPEND | O.NONBLOCK | O.ASYNC | O.DIRECT | O.NOATIME;
const FD_CLOEXEC = 1;

export class RestoredFiles implements FileRestore, Disposable {
  readonly entries: ReadonlyMap<number, FileEntry>;
  tasks: RestoredTask[] = [];
  /** Our numbers of tasks and threads by theirs. */
  readonly hosts = new Map<number, number>();
  network: string | undefined;
  readonly networks = new Map<number, string>();
  pidsApart = false;
  /** Of tasks that live in other user namespaces than ours. */
  readonly ids = new Map<number, IdTranslation>();
  ownNamespaces: FileRestore["ownNamespaces"];
  /** A task in the ipc namespace that the tree has of its own, as we see it. */
  ipcMember: number | undefined;
  readonly #hasI386: boolean;
  #surroundings: Surroundings = ownSurroundings();
  readonly #open = new Map<number, number>();
  readonly #reopened = new Map<string, number>();
  #held: ReadonlySet<number> | undefined;
  readonly #opening = new Set<number>();
  readonly #undo: (() => void)[] = [];
  readonly #end: (() => void)[] = [];
  readonly #threaded: (() => void)[] = [];
  readonly #last: (() => void)[] = [];
  readonly #release: (() => readonly Call[])[] = [];

  constructor(
    readonly images: ImageDirectory,
    readonly options: RestoreOptions,
    readonly log: Log,
    readonly set: SavedSet,
    readonly undoing: Undoing,
  ) {
    this.entries = set.files;
    this.#hasI386 = set.tasks.some(({ core }) => isI386Core(core));
  }

  readonly #pipes = new Map<number, readonly [read: number, write: number]>();

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /** The tree has mounts of its own. */
  surround(surroundings: Surroundings): void {
    this.#surroundings = surroundings;
  }

  get mounts(): readonly MountInfo[] {
    return this.#surroundings.mounts;
  }

  groundOf(mntId?: number): Ground {
    return this.#surroundings.groundOf(mntId);
  }

  mountId(mntId: number): number | undefined {
    return this.#surroundings.mountId(mntId);
  }

  /** Refuses sets with kinds that we cannot restore, before anything is created. */
  check(): void {
    for (const entry of this.entries.values()) kindOfEntry(entry).precheck?.(entry, this);
  }

  descriptor(id: number): number {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const entry = this.entries.get(id);
    if (!entry)
      throw new CrError(`file id ${id} is not in files.img`, { code: "BAD_IMAGE", subject: { image: "files.img" } });
    if (this.#opening.has(id)) {
      throw new CrError(`file id ${id} needs itself to be opened`, {
        code: "BAD_IMAGE",
        subject: { image: "files.img" },
      });
    }
    this.#opening.add(id);
    kindOfEntry(entry).open(entry, this);
    this.#opening.delete(id);
    const fd = this.#open.get(id);
    if (fd === undefined) throw new CrError(`file id ${id} was not opened`, { subject: { image: "files.img" } });
    return fd;
  }

  put(id: number, fd: number): void {
    if (this.#hasI386 && this.#isSmall(id)) makeSmall(fd);
    this.#open.set(id, fd);
  }

  /** Whether a file was opened by a 32-bit program. */
  #isSmall(id: number): boolean {
    const { reg, memfd, pipe, fifo } = this.entries.get(id) ?? {};
    const flags = (reg ?? memfd ?? pipe ?? this.entries.get(fifo?.regf_id ?? -1)?.reg)?.flags;
    return flags !== undefined && (flags & (O.LARGEFILE | O.PATH)) === 0;
  }

  /** Ids of what descriptors of the tree show. */
  get #heldIds(): ReadonlySet<number> {
    this.#held ??= new Set(this.set.tasks.flatMap(({ fds }) => fds.map(({ id }) => id)));
    return this.#held;
  }

  /** A descriptor for a mapping, with the access that it needs. */
  forMapping(id: number, fdflags: number): number {
    const entry = this.entries.get(id);
    if (entry?.psk) return this.descriptor(id);
    // one that is no descriptor's, and open just so, is the mapping's alone
    const isOpenSo = entry?.reg && (entry.reg.flags & (O.ACCMODE | O.PATH)) === (fdflags & O.ACCMODE);
    if (isOpenSo && !this.#heldIds.has(id)) return this.descriptor(id);
    const key = `${id}:${fdflags}`;
    const known = this.#reopened.get(key);
    if (known !== undefined) return known;
    const fd = reopen(this.descriptor(id), fdflags & O.ACCMODE, "cannot open a mapped file");
    this.#reopened.set(key, fd);
    return fd;
  }

  fillShared(shmid: number, fd: number, size: number): void {
    fillShared(this.images, shmid, fd, size);
  }

  idsOf(pid: number): IdTranslation | undefined {
    return this.ids.get(pid);
  }

  hostPid(virtual: number): number {
    return this.hosts.get(virtual) ?? (this.pidsApart ? this.#hostGroup(virtual) : virtual);
  }

  /** A group whose leader is gone is known by its members. */
  #hostGroup(virtual: number): number {
    const member = this.tasks.find((task) => task.tree.pgid === virtual);
    if (!member) return 0;
    using dir = new ProcDir(member.hostPid);
    return parseStat(dir.text("stat")).pgrp;
  }

  inIpc<T>(act: (call: Caller) => T): T {
    return this.ipcMember === undefined ? act(sys) : inIpcNamespace(this.ipcMember, act);
  }

  holders(id: number): { task: RestoredTask; entry: FdinfoEntry }[] {
    return this.tasks.flatMap((task) => task.fds.filter((entry) => entry.id === id).map((entry) => ({ task, entry })));
  }

  onFailure(undo: () => void): void {
    this.#undo.push(undo);
  }

  ifWeDie(calls: readonly Call[], ground: Ground = ownGround): () => void {
    return this.undoing.add(calls, ground.root !== undefined);
  }

  /** A pipe that is there before all files: the end that is written to. It is closed with the others. */
  pipeFor(id: number | undefined): number {
    const known = id === undefined ? undefined : this.#pipes.get(id);
    if (known) return known[1];
    const [read, write] = makePipe();
    this.atDispose(() => {
      closeFd(read);
      closeFd(write);
    });
    if (id !== undefined) this.#pipes.set(id, [read, write]);
    return write;
  }

  pipeThere(id: number): readonly [read: number, write: number] | undefined {
    return this.#pipes.get(id);
  }

  withThreads(action: () => void): void {
    this.#threaded.push(action);
  }

  /** All threads are there. */
  threaded(): void {
    for (const action of this.#threaded.splice(0)) action();
  }

  atEnd(action: () => void): void {
    this.#end.push(action);
  }

  atDispose(action: () => void): void {
    this.#last.push(action);
  }

  atRelease(action: () => readonly Call[]): void {
    this.#release.push(action);
  }

  /** What is to be done in one go with the tree's first step. */
  releaseCalls(): Call[] {
    return this.#release.splice(0).flatMap((action) => action());
  }

  applyFown(fd: number, fown: FownEntry | undefined, flags: number): void {
    if (flags & O.PATH) return;
    const now = check(sys(NR.fcntl, fd, F.GETFL, 0), "cannot read a descriptor's flags", { fd });
    if (((now ^ flags) & CHANGEABLE & ~O.ASYNC) !== 0) {
      fcntl(fd, F.SETFL, (now & ~CHANGEABLE) | (flags & CHANGEABLE & ~O.ASYNC), "cannot set a descriptor's flags", {
        fd,
      });
    }
    if (!fown || (fown.pid === 0 && fown.signum === 0 && !(flags & O.ASYNC))) return;
    this.#owners.push({ fd, fown, flags });
  }

  readonly #owners: { fd: number; fown: FownEntry; flags: number }[] = [];

  /** Owners are processes or groups of the tree: set when those exist. */
  applyOwners(): void {
    for (const { fd, fown, flags } of this.#owners) {
      setOwner(fd, { ...fown, pid: this.hostPid(fown.pid) }, { fd });
      if (flags & O.ASYNC) this.#applyAsync(fd);
    }
  }

  /** Signals tell the number of the descriptor through which O_ASYNC was set: so a task that holds it does that. */
  #applyAsync(fd: number): void {
    const what = "cannot set a descriptor's flags";
    const flags = check(sys(NR.fcntl, fd, F.GETFL, 0), what, { fd }) | O.ASYNC;
    const id = [...this.#open].find(([, ours]) => ours === fd)?.[0];
    const holder = id === undefined ? undefined : this.holders(id)[0];
    if (!holder) fcntl(fd, F.SETFL, flags, what, { fd });
    else holder.task.run((program) => program.call(NR.fcntl, [holder.entry.fd, F.SETFL, flags], { what }));
  }

  /** Opens every description of the set. */
  openAll(): void {
    for (const id of this.entries.keys()) this.descriptor(id);
  }

  /** Appends what puts a task's descriptors at their numbers. */
  place(program: Program, fds: readonly FdinfoEntry[], service: Service): void {
    const list = fds.map((f) => ({
      fd: f.fd,
      cloexec: (f.flags & FD_CLOEXEC) !== 0,
      source: this.descriptor(f.id),
    }));
    receiveAndPlace(program, service, list);
  }

  #each(step: "link" | "arm"): void {
    const byKind = new Map<FileKind, FileEntry[]>();
    for (const entry of this.entries.values()) {
      const kind = kindOfEntry(entry);
      const list = byKind.get(kind);
      if (list) list.push(entry);
      else byKind.set(kind, [entry]);
    }
    for (const kind of kinds) {
      const entries = byKind.get(kind);
      if (entries) kind[step]?.(entries, this);
    }
  }

  link(): void {
    this.#each("link");
    restoreLocks(this);
    DeadProcesses.of(this).release();
  }

  arm(): void {
    this.#each("arm");
  }

  /** What must be tidied up in any case: temporary names of ghost files. */
  end(): void {
    for (const action of this.#end.splice(0).reverse()) action();
  }

  undo(): void {
    for (const action of this.#undo.splice(0).reverse()) action();
  }

  /** Closes what is the tree's. Do so before it runs. */
  [Symbol.dispose](): void {
    for (const action of this.#last.splice(0).reverse()) action();
    for (const fd of new Set([...this.#open.values(), ...this.#reopened.values()])) closeFd(fd);
    this.#open.clear();
    this.#reopened.clear();
  }
}
