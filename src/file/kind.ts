import type { Arg, Program } from "../agent/program.ts";
import type { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { IdTranslation } from "../image/ids.ts";
import type { FdinfoEntry, FileEntry, FownEntry, PstreeEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import type { FdInfo } from "../kernel/proc/fdinfo.ts";
import type { FileLock } from "../kernel/proc/locks.ts";
import type { Call } from "../kernel/standby.ts";
import type { FileStat } from "../kernel/stat.ts";
import type { Log } from "../log.ts";
import type { DumpOptions, RestoreOptions } from "../options.ts";
import type { Ground, Surroundings } from "./ground.ts";

/** One open file description of the frozen tree, seen from outside. */
export interface OpenFile {
  /** File id: unique over the image set; descriptors that share a description share it. */
  readonly id: number;
  /** Task (host pid) and descriptor number where it was met first. */
  readonly pid: number;
  readonly fd: number;
  /** Our own duplicate of the description (pidfd_getfd(2)); the caller closes it. */
  readonly dup: number;
  /** Target of /proc/PID/fd/N. */
  readonly link: string;
  readonly stat: FileStat;
  /** statfs(2) f_type of the file system it lies on. */
  readonly fsType: number;
  /** F_GETFL without O_CLOEXEC. */
  readonly flags: number;
  /** Position, bytes. */
  readonly pos: number;
  readonly mntId: number;
  readonly info: FdInfo;
  /** F_GETOWN_EX, F_GETSIG and F_GETOWNER_UIDS, as the image keeps them. */
  readonly fown: FownEntry;
}

/** Every descriptor of the tree: who holds which number of which description. */
export interface HeldFd {
  readonly pid: number;
  readonly fd: number;
  readonly cloexec: boolean;
  readonly file: OpenFile;
  /** Locks that this very task holds through this description: POSIX locks are shown to their owner alone. */
  readonly locks: readonly FileLock[];
}

/** A process beside us that acts when we die, and when the tree is ended (`Executioner`). */
export interface Beside {
  /** Lets it have the descriptors that we have by now, and says what to do with them if we die. */
  renew(ifWeDie: readonly Call[]): void;
  /** What to do if we die, in place of what was said before. */
  ifWeDie(calls: readonly Call[]): void;
}

/** What a kind may use while it writes its part of the images. The tree is frozen: nothing here waits. */
export interface FileDump extends Surroundings {
  readonly images: ImageDirectory;
  readonly options: DumpOptions;
  readonly log: Log;
  /** All descriptors of the tree, by pid then number. */
  readonly held: readonly HeldFd[];
  /** Host pids of the tree. */
  readonly pids: readonly number[];
  /** What the process is called by others that has one of these: another number where its first thread has ended. */
  processOf(pid: number): number;
  /** Threads of it that have left namespaces of their process. */
  readonly strays: readonly number[];
  /** The pid as the tree sees it (innermost pid namespace); the image keeps these. */
  virtualPid(hostPid: number): number;
  /** Internal id of the net namespace that the tree lives in: net_ns_id of its ids-PID.img. */
  readonly netNsId: number;
  /** A file that leads to that namespace where it is not ours. */
  readonly network: string | undefined;
  /** Internal id of a namespace that tasks of the tree live in, by its name in /proc/PID/ns and its inode. */
  namespaceId(name: string, ino: number): number | undefined;
  /** The tree has an ipc namespace of its own, which goes with it. */
  readonly ipcApart: boolean;
  /** Runs `act` with calls that are made in the tree's ipc namespace. */
  inIpc<T>(act: (call: Caller) => T): T;
  /** A fresh file id. */
  nextId(): number;
  /** Adds an entry to files.img. */
  add(entry: FileEntry): void;
  /**
   * The id of a regular-file entry for something that is no descriptor of the tree (a tty's path, a bound file):
   * made on first use.
   */
  regular(file: OpenFile): number;
  /**
   * Treats a descriptor of ours as one more description of the tree (one that was found in a socket's queue): returns
   * the id of the known description that it equals, or dumps it as a new one.
   */
  inFlight(dup: number, from: OpenFile): number;
  /** Looks at every description that lies in a socket's queue, before that is dumped; what it sees is open until it returns. */
  inQueues(look: (file: OpenFile) => void): void;
  /**
   * Saves the content of a memory file (memfd, shared anonymous memory), once for each inode, and gives the number N of its
   * pagemap-shmem-N: the inode's, where nothing else has that.
   * @param fd a descriptor of ours for it
   */
  shared(stat: Pick<FileStat, "dev" | "ino" | "size">, fd: number): number;
  /** An object that cannot be dumped: remembered, and shown with all the others when collection is over. */
  blocker(error: CrError): void;
  /** Pushes an undo that runs on every way out but success (a link made at dump, a changed socket option). */
  onFailure(undo: () => void): void;
  /** Has calls made if we die before the set is complete, from now on until what it returns is called. */
  ifWeDie(...what: Parameters<IfWeDie>): () => void;
  /** dump_criu_run_id of the inventory. */
  readonly runId: string;
  readonly beside: Beside;
  /**
   * Pushes something to do right before a tree is ended that does not live on. What it returns are calls that are made for us
   * in one go with the end: from then on nothing is undone.
   */
  beforeTheEnd(action: () => readonly Call[]): void;
}

/** A restored task, as the file kinds see it. */
export interface RestoredTask {
  /** Virtual pid. */
  readonly pid: number;
  /** As we see it. */
  readonly hostPid: number;
  readonly tree: PstreeEntry;
  readonly fds: readonly FdinfoEntry[];
  /** Runs one program in the task; the first failing call is an error that names it. */
  run(build: (program: Program) => void): void;
  /** Appends what gives the task a descriptor of ours, whatever /proc it has; its number there, for calls of the same program. */
  receive(program: Program, fd: number): Arg;
  /**
   * A child of it that does nothing until it is ended, and then is waited for: with this pid in their namespace, or any that the
   * tree has not. Only before identities are restored.
   */
  spawn(pid: number | undefined): Disposable & { readonly hostPid: number };
}

/** @param ground where their paths lead: it may have descriptors of ours */
export type IfWeDie = (calls: readonly Call[], ground?: Ground) => () => void;

/** What a kind may use at restore. Data flows from entries to the kernel; nothing is read from a victim. */
export interface FileRestore extends Surroundings {
  readonly images: ImageDirectory;
  readonly options: RestoreOptions;
  readonly log: Log;
  readonly tasks: readonly RestoredTask[];
  /** All of files.img by id. */
  readonly entries: ReadonlyMap<number, FileEntry>;
  /** Our descriptor for a file id; opens it through its kind when that has not happened yet. */
  descriptor(id: number): number;
  /** Gives the descriptor of a file id. The restore owns it from here on and closes it at the end. */
  put(id: number, fd: number): void;
  /** Fills a memory file that was just made, of `size` bytes, from pagemap-shmem-`shmid`. `fd` stays the caller's. */
  fillShared(shmid: number, fd: number, size: number): void;
  /** A file that leads to the network namespace of the tree's root where it is not ours. */
  readonly network: string | undefined;
  /** Files that lead to those of other tasks, by the ids of the images. */
  readonly networks: ReadonlyMap<number, string>;
  /** The tree lives in a pid namespace that is not ours: its numbers mean nothing here. */
  readonly pidsApart: boolean;
  /** What users and groups are called in the user namespace of a task; undefined where it is as we do. @param pid as in the images */
  idsOf(pid: number): IdTranslation | undefined;
  /** Where namespaces of ours lie that were made anew for the tree: a directory like /proc/PID/ns, and which. */
  readonly ownNamespaces: { readonly directory: string; readonly made: readonly string[] } | undefined;
  /**
   * Our number of a task, thread or process group by the one that the images have. What is not of the tree has the same number,
   * or 0 where its numbers mean nothing here.
   */
  hostPid(virtual: number): number;
  /** Runs `act` with calls that are made in the tree's ipc namespace. */
  inIpc<T>(act: (call: Caller) => T): T;
  /** Tasks and numbers that hold this file id. */
  holders(id: number): { task: RestoredTask; entry: FdinfoEntry }[];
  /** Pushes an undo that runs on every way out but success: a half restored tree leaves nothing behind. */
  onFailure(undo: () => void): void;
  /** Has calls made if we die before the tree lives, from now on until what it returns is called. */
  ifWeDie(...what: Parameters<IfWeDie>): () => void;
  /** Our descriptors of a pipe that had to be there before all files. */
  pipeThere(id: number): readonly [read: number, write: number] | undefined;
  /** Pushes something to do when tasks have their threads, and descriptors at their numbers. */
  withThreads(action: () => void): void;
  /** Pushes something to do after all tasks have their files and memory, on success and failure alike (ghost unlink). */
  atEnd(action: () => void): void;
  /** Pushes something that ends with the restore, whatever came of it. */
  atDispose(action: () => void): void;
  /**
   * Pushes something to do when nothing can go wrong any more. What it returns are calls that are made for us in one go with
   * the tree's first step, also if we die then.
   */
  atRelease(action: () => readonly Call[]): void;
  /** Sets owner, signal (F_SETOWN_EX, F_SETSIG) and the changeable status flags of a descriptor of ours. */
  applyFown(fd: number, fown: FownEntry | undefined, flags: number): void;
}

/**
 * One kind of descriptor. A new kind is one new file in src/file or src/socket and one line in the registry.
 * Kinds do not import each other: links between them are file ids.
 */
export interface FileKind {
  /** The field's word: `eventfd`, `pipe`. */
  readonly name: string;
  /** fd_types number of fdinfo_entry.type and file_entry.type. */
  readonly type: number;
  /** Does this description belong here? Asked in registry order; the first yes wins. */
  matches(file: OpenFile): boolean;
  /**
   * Looks for what would make the dump fail, before the tree is frozen for long; cheap, and without side effects.
   * Reports through `dump.blocker`.
   */
  check?(file: OpenFile, dump: FileDump): void;
  /** Descriptors of ours for the descriptions that lie in its queue, where the kernel says that there are some. */
  queued?(file: OpenFile, dump: FileDump): number[];
  /** Writes the entry (dump.add) and whatever images go with it. Called once for each description. */
  dump(file: OpenFile, dump: FileDump): void;
  /** Called once after all descriptions were dumped: for what looks across them (pairs, queues, peers). */
  dumpAll?(files: readonly OpenFile[], dump: FileDump): void;
  /** Whether an entry of this type is this kind's to open, where several kinds share a type; yes when left out. */
  restores?(entry: FileEntry): boolean;
  /** Refuses an entry that cannot be restored, before anything is created. */
  precheck?(entry: FileEntry, restore: Pick<FileRestore, "options" | "entries" | "images">): void;
  /**
   * Opens one description for file_entry `entry` and gives it to `restore.put` (with those that come with it: both ends of a
   * pipe). Called once for each id that was not put already.
   */
  open(entry: FileEntry, restore: FileRestore): void;
  /** Called once with all entries of the kind, after every task has its descriptors at their numbers. */
  link?(entries: readonly FileEntry[], restore: FileRestore): void;
  /** Called once at the very end, just before the tasks run: timers are armed here. */
  arm?(entries: readonly FileEntry[], restore: FileRestore): void;
}
