/** A dump and a restore small enough for tests of one kind: descriptors of our own stand for those of a tree. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CrError } from "../error.ts";
import { ImageDirectory } from "../image/directory.ts";
import type { FileEntry, FownEntry } from "../image/schema.gen.ts";
import { closeFd, dupFd, fcntl, linkOf } from "../kernel/fd.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import type { Call } from "../kernel/standby.ts";
import { statFd } from "../kernel/stat.ts";
import { sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { type Log, silentLog } from "../log.ts";
import type { DumpOptions, RestoreOptions } from "../options.ts";
import { ownSurroundings } from "./ground.ts";
import type { FileDump, FileKind, FileRestore, HeldFd, OpenFile, RestoredTask } from "./kind.ts";
import { RegularFiles } from "./regular-files.ts";

const nobody: FownEntry = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

/** Options that a test says nothing about are absent: reading one that matters shows as undefined. */
export interface TestOptions {
  dump?: Partial<DumpOptions>;
  restore?: Partial<RestoreOptions>;
  tasks?: RestoredTask[];
  /** More kinds, for what is found on the way (a socket's queue, a FIFO's path). */
  kinds?: readonly FileKind[];
  pids?: number[];
}

/** One test's images and descriptors; all of it goes away at the end of a `using` scope. */
export class TestRun implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-kind-"));
  readonly warnings: string[] = [];
  readonly blockers: CrError[] = [];
  readonly entries = new Map<number, FileEntry>();
  readonly put = new Map<number, number>();
  readonly undo: (() => void)[] = [];
  /** What was to be done if the dumper died, in turn. */
  readonly ifWeDie: (readonly Call[])[] = [];
  readonly #files: OpenFile[] = [];
  readonly #kinds: readonly FileKind[];
  readonly #log: Log = { ...silentLog, warn: (text) => void this.warnings.push(text) };
  #images: ImageDirectory;
  #id = 0;
  #ended: (() => void)[] = [];

  constructor(
    readonly kind: FileKind,
    readonly options: TestOptions = {},
  ) {
    this.#kinds = [kind, ...(options.kinds ?? [])];
    this.#images = ImageDirectory.create(this.path);
  }

  /** A description of ours as a dump sees it. */
  openFile(fd: number): OpenFile {
    using dir = new ProcDir(process.pid);
    const info = readFdInfo(dir, fd);
    const file: OpenFile = {
      id: ++this.#id,
      pid: process.pid,
      fd,
      dup: dupFd(fd),
      link: linkOf(fd),
      stat: statFd(fd),
      fsType: 0,
      flags: fcntl(fd, F.GETFL, 0, "F_GETFL") & ~O.CLOEXEC,
      pos: info.pos,
      mntId: info.mntId,
      info,
      fown: nobody,
    };
    this.#files.push(file);
    return file;
  }

  /** Dumps these descriptors; they may be closed afterwards. */
  dump(...fds: number[]): OpenFile[] {
    const files = fds.map((fd) => this.openFile(fd));
    const held: HeldFd[] = files.map((file) => ({ pid: file.pid, fd: file.fd, cloexec: false, locks: [], file }));
    const dump: FileDump = {
      images: this.#images,
      options: {
        external: [],
        ghostLimit: 1 << 20,
        fileValidation: "filesize",
        ...this.options.dump,
      } as unknown as DumpOptions,
      log: this.#log,
      held,
      strays: [],
      pids: this.options.pids ?? [process.pid],
      processOf: (pid) => pid,
      virtualPid: (pid) => (existsSync(`/proc/self/task/${pid}`) || this.options.pids?.includes(pid) ? pid : 0),
      nextId: () => ++this.#id,
      add: (entry) => void this.entries.set(entry.id, entry),
      regular: (file) => RegularFiles.of(dump).idForDescriptor(file),
      inFlight: (fd) => {
        const known = this.#files.find((file) => file.stat.ino === statFd(fd).ino && file.flags === flagsOf(fd));
        if (known) return known.id;
        const file = this.openFile(fd);
        this.#kindOf(file).dump(file, dump);
        return file.id;
      },
      inQueues: () => {},
      netNsId: 2,
      network: undefined,
      ...ownSurroundings(),
      namespaceId: () => undefined,
      ipcApart: false,
      inIpc: (act) => act(sys),
      shared: ({ ino }) => ino,
      blocker: (error) => void this.blockers.push(error),
      ifWeDie: () => () => {},
      onFailure: (undo) => void this.undo.push(undo),
      runId: crypto.randomUUID(),
      beside: {
        renew: (calls) => void this.ifWeDie.push(calls),
        ifWeDie: (calls) => void this.ifWeDie.push(calls),
      },
      beforeTheEnd: () => undefined,
    };
    for (const file of files) this.#kindOf(file).check?.(file, dump);
    for (const file of files) this.#kindOf(file).dump(file, dump);
    for (const kind of this.#kinds) {
      kind.dumpAll?.(
        files.filter((file) => this.#kindOf(file) === kind),
        dump,
      );
    }
    const task = { ppid: 0, pgid: 1, sid: 1, threads: [] };
    this.#images.write(
      "PSTREE",
      dump.pids.map((pid) => ({ ...task, pid })),
    );
    this.#images.commit({ img_version: 2 });
    return files;
  }

  #kindOf(file: OpenFile): FileKind {
    const kind = this.#kinds.find((candidate) => candidate.matches(file));
    if (kind === undefined) throw new Error(`no kind for ${file.link}`);
    return kind;
  }

  /** Opens every entry that is there, links them, and gives our new descriptors by file id. */
  restore(options: Partial<RestoreOptions> = {}): Map<number, number> {
    this.#images.abort();
    for (const file of this.#files.splice(0)) closeFd(file.dup);
    const images = ImageDirectory.open(this.path);
    this.#images = images;
    const byType = new Map(this.#kinds.map((kind) => [kind.type, kind]));
    const openOne = (id: number): number => {
      const known = this.put.get(id);
      if (known !== undefined) return known;
      const entry = this.entries.get(id);
      const kind = entry && byType.get(entry.type);
      if (entry === undefined || kind === undefined) throw new Error(`no way to open file ${id}`);
      kind.open(entry, restore);
      const fd = this.put.get(id);
      if (fd === undefined) throw new Error(`file ${id} was not opened by its kind`);
      return fd;
    };
    const restore: FileRestore = {
      images,
      options: { inheritFds: [], external: [], ...this.options.restore, ...options } as unknown as RestoreOptions,
      log: this.#log,
      tasks: this.options.tasks ?? [],
      network: undefined,
      networks: new Map(),
      pidsApart: false,
      idsOf: () => undefined,
      ownNamespaces: undefined,
      ...ownSurroundings(),
      hostPid: (pid) => pid,
      entries: this.entries,
      descriptor: openOne,
      fillShared: () => undefined,
      put: (id, fd) => void this.put.set(id, fd),
      holders: () => [],
      inIpc: (act) => act(sys),
      onFailure: (undo) => void this.undo.push(undo),
      pipeThere: () => undefined,
      atDispose: () => undefined,
      withThreads: () => undefined,
      atRelease: () => undefined,
      atEnd: (action) => void this.#ended.push(action),
      ifWeDie: () => () => {},
      applyFown: (fd, _, flags) => void fcntl(fd, F.SETFL, flags, "F_SETFL"),
    };
    for (const entry of this.entries.values()) byType.get(entry.type)?.precheck?.(entry, restore);
    for (const entry of this.entries.values()) if (byType.has(entry.type)) openOne(entry.id);
    for (const kind of this.#kinds) {
      kind.link?.(
        [...this.entries.values()].filter((entry) => entry.type === kind.type),
        restore,
      );
    }
    for (const action of this.#ended.splice(0)) action();
    return this.put;
  }

  /** The descriptor that was opened for an id. */
  fd(id: number): number {
    const fd = this.put.get(id);
    if (fd === undefined) throw new Error(`nothing was opened for ${id}`);
    return fd;
  }

  [Symbol.dispose](): void {
    this.#images.abort();
    for (const file of this.#files) closeFd(file.dup);
    for (const fd of this.put.values()) closeFd(fd);
    rmSync(this.path, { recursive: true, force: true });
  }
}

function flagsOf(fd: number): number {
  return fcntl(fd, F.GETFL, 0, "F_GETFL") & ~O.CLOEXEC;
}
