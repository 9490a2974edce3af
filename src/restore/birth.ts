/** In which session a task has to be born. */
import type { SavedTask } from "./set.ts";

/** Is a task another one, or one of its descendants? */
export function isAtOrBelow(task: SavedTask, other: SavedTask): boolean {
  for (let above: SavedTask | undefined = task; above; above = above.parent) if (above === other) return true;
  return false;
}

/**
 * The session that a task was born in, as far as it matters: its own pid where it leads one and any will do. It matters for a leader
 * with children of another session which begins neither at nor below it and has members elsewhere: it had them before its own.
 */
export class Births {
  readonly #known = new Map<SavedTask, number>();

  constructor(private readonly all: readonly SavedTask[]) {}

  sessionOf(task: SavedTask): number {
    let found = this.#known.get(task);
    if (found === undefined) {
      found = this.#look(task);
      this.#known.set(task, found);
    }
    return found;
  }

  #look(task: SavedTask): number {
    const { sid } = task.tree;
    // the root is born where we are
    if (sid !== task.pid || !task.parent) return sid;
    const early = task.children.find((child) => {
      const born = this.sessionOf(child);
      if (born === task.pid || born === child.pid) return false;
      const leader = this.all.find(({ pid }) => pid === born);
      if (leader) return !isAtOrBelow(leader, task);
      return this.all.some((other) => other.tree.sid === born && !isAtOrBelow(other, task));
    });
    return early ? this.sessionOf(early) : sid;
  }
}
