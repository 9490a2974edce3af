/** Tasks that were continued (SIGCONT) and whose parents have not heard of it yet by wait(2) with WCONTINUED. */
import { wasContinued } from "../kernel/ptrace.ts";
import type { FrozenTask } from "./tree.ts";

/** @returns their pids. What becomes of the root is for somebody outside of the tree to hear */
export function continuedTasks(tasks: readonly FrozenTask[]): ReadonlySet<number> {
  // of most trees it is nobody: one question for all
  if (!wasContinued()) return new Set();
  const living = tasks.filter(({ zombie, parent, stopSignal }) => !zombie && parent && stopSignal === 0);
  return new Set(living.map(({ pid }) => pid).filter(wasContinued));
}
