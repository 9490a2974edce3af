/**
 * A dump and a restore without a victim, for tests: descriptors of our own are dumped as if they were a task's, and come
 * back at the same numbers. Programs run in our own process.
 */
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AREA, ARG_AREA, ARG_LOAD32, ARG_RESULT, OP, POLICY_EXPECT, POLICY_IGNORE } from "../agent/layout.ts";
import { type Area, Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { ImageDirectory } from "../image/directory.ts";
import type { FdinfoEntry, FileEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type Call, makeCalls } from "../kernel/standby.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { type Log, silentLog } from "../log.ts";
import type { DumpOptions, RestoreOptions } from "../options.ts";
import { FileCollector } from "./collect.ts";
import { ownSurroundings } from "./ground.ts";
import type { FileDump, FileKind, FileRestore, OpenFile, RestoredTask } from "./kind.ts";
import { kindOf, kindOfEntry, kinds } from "./registry.ts";
import { RegularFiles } from "./regular-files.ts";

const dumpDefaults = {
  external: [],
  evasiveDevices: false,
  linkRemap: false,
  fileLocks: false,
  ghostLimit: 1 << 20,
  ghostFiemap: true,
  fileValidation: "buildid",
  irmapScanPaths: [],
  forceIrmap: false,
  workDir: "/nowhere",
} as unknown as DumpOptions;

const restoreDefaults = {
  external: [],
  inheritFds: [],
  fileLocks: false,
  fileValidation: "buildid",
  skipFileRwxCheck: false,
  evasiveDevices: false,
} as unknown as RestoreOptions;

/** What /proc shows of a descriptor: link and state, without what a restore cannot and need not keep. */
export interface Shown {
  link: string;
  info: string[];
}

export function show(pid: number, fd: number): Shown {
  const volatile = /^(mnt_id|ino|eventfd-id|it_value|scm_fds):/;
  const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !volatile.test(line))
    .map((line) => line.replace(/^(tfd:.*data:\s*\w+).*/, "$1").replace(/^lock:\t\d+: ((\S+\s+){3})\S+ \S+/, "lock $1"))
    .map((line) => line.replace(/^(inotify.*) ino:\w+ (.*) fhandle.*/, "$1 $2"));
  const link = readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/^(pipe|socket):\[\d+\]$/, "$1");
  return { link, info: info.sort() };
}

/** Runs programs here and now: what an agent does in a task. */
class SelfArea implements Area {
  readonly bytes = new Uint8Array(new ArrayBuffer(AREA.size));
  readonly view = new DataView(this.bytes.buffer);
  readonly base = addressOf(this.bytes);
  readonly subject = { pid: process.pid };

  execute(ops: number): number {
    for (let i = 0; i < ops; i++) {
      const at = AREA.ops + i * OP.size;
      const after = this.view.getUint16(at + OP.after, true);
      const expected = this.view.getBigInt64(at + OP.expect, true);
      if (after > 0 && this.view.getBigInt64(AREA.ops + (after - 1) * OP.size + OP.result, true) !== expected) continue;
      const args = [0, 1, 2, 3, 4, 5].map((n) => this.#argument(at, n));
      const result = sys(this.view.getUint32(at + OP.nr, true), ...args);
      this.view.setBigInt64(at + OP.result, BigInt(result), true);
      const policy = this.view.getUint16(at + OP.policy, true);
      if (policy === POLICY_IGNORE) continue;
      if (policy === POLICY_EXPECT ? result !== Number(expected) : result < 0 && result >= -4095) return i;
    }
    return ops;
  }

  #argument(at: number, n: number): number {
    const kind = (this.view.getUint32(at + OP.kinds, true) >>> (n * 4)) & 15;
    const value = Number(this.view.getBigInt64(at + OP.args + n * 8, true));
    if (kind === ARG_AREA) return this.base + value;
    if (kind === ARG_RESULT) return Number(this.view.getBigInt64(AREA.ops + value * OP.size + OP.result, true));
    return kind === ARG_LOAD32 ? this.view.getInt32(value, true) : value;
  }
}

/** Everything of one test: images, descriptors, a directory to play in. All of it goes at the end of a `using` scope. */
export class Rehearsal implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-file-"));
  readonly images = mkdtempSync(join(tmpdir(), "tscriu-images-"));
  readonly entries = new Map<number, FileEntry>();
  readonly fdinfo: FdinfoEntry[] = [];
  readonly blockers: CrError[] = [];
  readonly warnings: string[] = [];
  readonly before = new Map<number, Shown>();
  readonly shared = new Map<number, Uint8Array>();
  readonly undone: (() => void)[] = [];
  readonly put = new Map<number, number>();
  readonly #program = new Program(new SelfArea());
  readonly #placed: number[] = [];
  #nextId = 0;
  readonly #log: Log = { ...silentLog, warn: (text) => void this.warnings.push(text) };

  /** A path in the directory of the test. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Dumps these descriptors of ours and closes them. `also` runs with the dump before the images are complete. */
  dump(fds: readonly number[], options: Partial<DumpOptions> = {}, also?: (dump: FileDump) => void): void {
    using collector = new FileCollector({ nextId: () => ++this.#nextId, virtualPid: (pid) => pid });
    collector.addTable(process.pid, fds);
    using images = ImageDirectory.create(this.images);
    const dump = this.#fileDump(images, collector, options);
    for (const { fd } of collector.held) this.before.set(fd, show(process.pid, fd));
    for (const file of collector.files) kindOf(file).check?.(file, dump);
    if (this.blockers.length > 0) return;
    for (const file of collector.files) kindOf(file).dump(file, dump);
    for (const kind of new Set(collector.files.map(kindOf))) kind.dumpAll?.(this.#ofKind(kind, collector.files), dump);
    also?.(dump);
    for (const { fd, cloexec, file } of collector.held) {
      this.fdinfo.push({ id: file.id, flags: cloexec ? 1 : 0, type: kindOf(file).type, fd });
    }
    images.write("FILES", [...this.entries.values()]);
    images.commit({ img_version: 2 });
    for (const fd of fds) closeFd(fd);
  }

  #ofKind(kind: FileKind, files: readonly OpenFile[]): OpenFile[] {
    return files.filter((file) => kindOf(file) === kind);
  }

  #fileDump(images: ImageDirectory, collector: FileCollector, options: Partial<DumpOptions>): FileDump {
    const dump: FileDump = {
      images,
      options: { ...dumpDefaults, ...options },
      log: this.#log,
      held: collector.held,
      pids: [process.pid],
      processOf: (pid) => pid,
      strays: [],
      netNsId: 2,
      network: undefined,
      ...ownSurroundings(),
      namespaceId: () => undefined,
      ipcApart: false,
      inIpc: (act) => act(sys),
      virtualPid: (pid: number) => pid,
      nextId: () => ++this.#nextId,
      add: (entry: FileEntry) => void this.entries.set(entry.id, entry),
      regular: (file: OpenFile) => RegularFiles.of(dump).idForDescriptor(file),
      inFlight: (dup: number, from: OpenFile) => collector.adopt(dup, from).file.id,
      inQueues: () => {},
      shared: ({ ino, size }, fd) => {
        const bytes = new Uint8Array(size);
        if (size > 0) check(sys(NR.pread64, fd, addressOf(bytes), size, 0), "pread");
        this.shared.set(ino, bytes);
        return ino;
      },
      blocker: (error: CrError) => void this.blockers.push(error),
      ifWeDie: () => () => {},
      onFailure: (undo: () => void) => void this.undone.push(undo),
      runId: crypto.randomUUID(),
      beside: { renew: () => undefined, ifWeDie: () => undefined },
      beforeTheEnd: () => undefined,
    };
    return dump;
  }

  /** Runs the undo stack of a failed dump or restore, last first. */
  fail(): void {
    for (const undo of this.undone.splice(0).reverse()) undo();
  }

  /** A descriptor at a number that nothing of the test's own machinery takes. */
  high(fd: number): number {
    const moved = check(sys(NR.fcntl, fd, F.DUPFD, 500), "cannot move a descriptor");
    closeFd(fd);
    return moved;
  }

  readonly #released: (() => readonly Call[])[] = [];

  /** Opens everything, puts it at its numbers, links and arms. `late` runs where locks are restored. */
  restore(options: Partial<RestoreOptions> = {}, late?: (restore: FileRestore) => void): void {
    this.undone.length = 0;
    const images = ImageDirectory.open(this.images);
    const ends: (() => void)[] = [];
    const tasks: RestoredTask[] = [];
    const restore = this.#fileRestore(images, tasks, ends, options);
    try {
      for (const { id } of this.fdinfo) restore.descriptor(id);
      for (const { id, fd, flags } of this.fdinfo) {
        check(
          sys(NR.dup3, restore.descriptor(id), fd, flags === 1 ? O.CLOEXEC : 0),
          "cannot put a descriptor at its number",
        );
        this.#placed.push(fd);
      }
      tasks.push({
        pid: process.pid,
        hostPid: process.pid,
        tree: { pid: process.pid, ppid: 0, pgid: 0, sid: 0, threads: [] },
        fds: this.fdinfo,
        run: (build) => {
          build(this.#program);
          this.#program.run();
        },
        receive: (_, fd) => fd,
        spawn: () => {
          throw new CrError("no helpers in a rehearsal");
        },
      });
      for (const kind of kinds) kind.link?.(this.#entriesOf(kind), restore);
      late?.(restore);
      for (const kind of kinds) kind.arm?.(this.#entriesOf(kind), restore);
    } finally {
      for (const end of ends.splice(0)) end();
    }
  }

  /** What is done in one go with the tree's first step. */
  release(): void {
    for (const action of this.#released.splice(0)) makeCalls(action());
  }

  #entriesOf(kind: FileKind): FileEntry[] {
    return [...this.entries.values()].filter(({ type }) => type === kind.type);
  }

  #fileRestore(
    images: ImageDirectory,
    tasks: RestoredTask[],
    ends: (() => void)[],
    options: Partial<RestoreOptions>,
  ): FileRestore {
    const restore: FileRestore = {
      images,
      options: { ...restoreDefaults, ...options },
      log: this.#log,
      tasks,
      network: undefined,
      networks: new Map(),
      pidsApart: false,
      idsOf: () => undefined,
      ownNamespaces: undefined,
      ...ownSurroundings(),
      hostPid: (pid) => pid,
      entries: this.entries,
      descriptor: (id: number) => {
        const entry = this.entries.get(id);
        if (!this.put.has(id) && entry) kindOfEntry(entry).open(entry, restore);
        return this.put.get(id) ?? -1;
      },
      put: (id: number, fd: number) => void this.put.set(id, fd),
      holders: (id: number) =>
        tasks.flatMap((task) => task.fds.filter((entry) => entry.id === id).map((entry) => ({ task, entry }))),
      fillShared: (shmid: number, fd: number) => {
        const bytes = this.shared.get(shmid) ?? new Uint8Array(0);
        check(sys(NR.pwrite64, fd, addressOf(bytes), bytes.length, 0), "pwrite");
      },
      onFailure: (undo: () => void) => void this.undone.push(undo),
      pipeThere: () => undefined,
      atDispose: () => undefined,
      withThreads: () => undefined,
      atRelease: (action) => void this.#released.push(action),
      atEnd: (action: () => void) => void ends.push(action),
      inIpc: (act) => act(sys),
      ifWeDie: () => () => {},
      applyFown: (fd: number, _: unknown, flags: number) => {
        const changeable = O.APPEND | O.NONBLOCK | O.DIRECT | O.NOATIME;
        if ((flags & O.PATH) === 0) check(sys(NR.fcntl, fd, F.SETFL, flags & changeable), "F_SETFL", { fd });
      },
    } as FileRestore;
    return restore;
  }

  [Symbol.dispose](): void {
    for (const fd of this.put.values()) closeFd(fd);
    for (const fd of this.#placed) closeFd(fd);
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.images, { recursive: true, force: true });
  }
}
