import type { Load, Program } from "../agent/program.ts";
import type { CrError } from "../error.ts";
import type { Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { Log } from "../log.ts";
import type { RestoredSegments } from "../memory/segments-restore.ts";
import type { DumpOptions, RestoreOptions } from "../options.ts";
import type { Questions } from "../task/questions.ts";
import type { ForeignNamespace, NamespaceName } from "./ids.ts";

/** What fills a namespace of a restored tree. */
export interface NamespaceFill {
  readonly images: ImageDirectory;
  /** As the images number it. */
  readonly id: number;
  /** All of this kind that tasks of the set live in and the dumper did not; `id` is the first. */
  readonly ids: readonly number[];
  /** The first is that of the tree's root, which else lives in the dumper's. */
  readonly isRoots: boolean;
  /** Our descriptor of the user namespace that namespace `id` belongs to; undefined for ours. */
  owner(id: number): number | undefined;
  readonly options: RestoreOptions;
  readonly log: Log;
  /** Of a task that lives in it, and in all others that were filled before. */
  readonly program: Program;
  /** That task, as we see it. */
  readonly pid: number;
  /** Appends to `program` what gives that task a descriptor of ours: its number there. */
  receive(fd: number): Load;
  /** The System V segments of the tree. */
  readonly segments: RestoredSegments;
  /** The tree has mounts of its own from now on. */
  surround(surroundings: Surroundings): void;
  /** A file that leads to network namespace `id`; `isRoots`: that of the tree's root. */
  network(id: number, path: string, isRoots: boolean): void;
  /** Tasks that live in namespace `id` enter it by this descriptor of ours. */
  entrance(id: number, fd: number): void;
  /** Puts a process where cgroup namespace `id` began. @param pid as we see it */
  enterCgroupRoot(id: number, pid: number): void;
  /** Pushes something to do when all tasks are there, before any of them has files. */
  grown(action: () => void): void;
  /** A task in a pid namespace below the root's: once all tasks are there. */
  inPids(id: number): { readonly program: Program; readonly pid: number };
  /** A task in this process group, and what `receive` is for it: once all tasks are there. Undefined where nobody is. */
  inGroup(id: number): Pick<NamespaceFill, "program" | "pid" | "receive"> | undefined;
  /**
   * Our descriptor of the end of a pipe that is written to, which tasks of the tree will have open.
   * @param id as the images number it; undefined for one that nobody has
   */
  pipe(id: number | undefined): number;
  /** Pushes something to do when all files are open. */
  late(action: () => void): void;
  /** Pushes what takes something outside of the tree back, should the restore fail. */
  onFailure(undo: () => void): void;
  /** Pushes something that ends with the restore, whatever came of it. */
  atEnd(action: () => void): void;
}

/** One kind of namespace. A new kind is one new file in src/namespace and one line in the registry. */
export interface NamespaceKind {
  readonly name: NamespaceName;
  /** CLONE_NEW*: the root of a tree that lives in one of its own is cloned with it; 0 where it is made otherwise. */
  readonly flag: number;
  /** Given from outside, namespace `id` is not made: its first task enters it in `fill`. */
  isGiven?(images: ImageDirectory, id: number): boolean;
  /** CLONE_NEW* of those that tasks enter when they are there; each task may have another one. */
  readonly entered?: number;
  /**
   * Appends questions to a task that lives in it; the function that is returned writes the images once they are answered. Undefined
   * where there is nothing to ask.
   */
  ask?(
    questions: Questions,
    namespace: ForeignNamespace,
    options: DumpOptions,
  ): ((images: ImageDirectory, id: number) => void) | undefined;
  /** Where no task lives in it: saves it from outside. `parent`: a task whose next children will. */
  saveForChildren?(images: ImageDirectory, id: number, parent: number): void;
  /** In place of `ask` where only threads live in it that have left their process's. */
  saveForThread?(images: ImageDirectory, id: number, tid: number): void;
  /** What could not be made again, looked at before anything is touched. `member`: a task that lives in it. */
  problems?(member: number, options: DumpOptions): CrError[];
  /** Saves it from outside. `foreign`: all that are not the dumper's. */
  save?(
    images: ImageDirectory,
    id: number,
    member: number,
    options: DumpOptions,
    foreign: readonly ForeignNamespace[],
  ): void;
  /** Refuses what cannot be made again, before anything is. */
  check?(images: ImageDirectory, ids: readonly number[], options: RestoreOptions): void;
  /** Fills a fresh namespace, before anything else is in it. */
  fill?(context: NamespaceFill): void;
}
