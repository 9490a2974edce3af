/** What a saved task is called in the pid namespaces that it lives in: plain data, read and checked. */
import { CrError } from "../error.ts";
import type { PstreeEntry, TscriuInnerPids } from "../image/schema.gen.ts";
import type { SavedTask } from "./set.ts";

/** MAX_PID_NS_LEVEL of the kernel. */
const DEEPEST = 32;

function innerOf(tree: PstreeEntry): readonly TscriuInnerPids[] {
  return tree.tscriu_pids?.inner ?? [];
}

/** Pid namespaces below the root's that a task lives in, from outside in, by their ids. */
export function nestOf(tree: PstreeEntry): number[] {
  return innerOf(tree).map(({ pid_ns_id }) => pid_ns_id);
}

/** Innermost first, that of the root's namespace last: as clone3(2) takes them. */
function fromWithin(tree: PstreeEntry, outer: number, inner: (level: TscriuInnerPids) => number): number[] {
  return [outer, ...innerOf(tree).map(inner)].reverse();
}

export function numbersOf(tree: PstreeEntry): number[] {
  return fromWithin(tree, tree.pid, ({ pid }) => pid);
}

/** Those of its thread with this index. */
export function threadNumbers(tree: PstreeEntry, index: number): number[] {
  return fromWithin(tree, tree.threads[index] ?? 0, ({ threads }) => threads[index] ?? 0);
}

/** A process group or session: its numbers, and the innermost namespaces in which `member` sees it. */
export interface Group {
  readonly numbers: readonly number[];
  readonly nest: readonly number[];
}

export function groupOf({ tree }: SavedTask, kind: "pgid" | "sid"): Group {
  const seen = innerOf(tree).filter((level) => level[kind] !== 0);
  const all = [tree[kind], ...seen.map((level) => level[kind])];
  return { numbers: all.reverse(), nest: seen.map(({ pid_ns_id }) => pid_ns_id) };
}

/** What is called so in the namespace of `viewer`; 0 for what lies outside of it. */
export function seenBy(viewer: SavedTask, numbers: readonly number[]): number {
  return numbers[numbers.length - 1 - innerOf(viewer.tree).length] ?? 0;
}

/** What a task calls itself. */
export function ownPid({ tree }: Pick<SavedTask, "tree">): number {
  return innerOf(tree).at(-1)?.pid ?? tree.pid;
}

/** What a task calls its process group; 0 where that is of outside. */
export function ownGroup({ tree }: SavedTask): number {
  const inner = innerOf(tree).at(-1);
  return inner ? inner.pgid : tree.pgid;
}

/** Refuses numbers that cannot be. */
export function checkNumbers(tree: PstreeEntry, parent: PstreeEntry | undefined): void {
  const inner = innerOf(tree);
  const nest = nestOf(tree);
  const isFit = ({ pid, threads }: TscriuInnerPids) => pid > 0 && threads.length === tree.threads.length;
  const isBelow = parent === undefined ? nest.length === 0 : nestOf(parent).every((id, i) => nest[i] === id);
  if (inner.length <= DEEPEST && isBelow && new Set(nest).size === nest.length && inner.every(isFit)) return;
  throw new CrError("the numbers of a task in its pid namespaces do not fit", {
    code: "BAD_IMAGE",
    subject: { pid: tree.pid, image: "pstree.img" },
    remedy: "take the whole set from its origin again, or dump again",
  });
}
