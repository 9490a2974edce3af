import { availableParallelism } from "node:os";

/** Runs the work for every item, at most `width` at a time. */
export async function pooled<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const todo = items.values();
  const lane = async () => {
    for (const item of todo) await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, width) }, lane));
}

/** Lets at most `width` callers in at a time. */
export class Gate {
  private readonly waiting: (() => void)[] = [];
  private inside = 0;

  constructor(private readonly width: number) {}

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.width) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.inside++;
    try {
      return await work();
    } finally {
      this.inside--;
      this.waiting.shift()?.();
    }
  }
}

/** So many cases at a time: each waits for half of its time, for others to sleep or to end. */
export const width = Number(process.env.ZDTM_JOBS ?? Math.ceil(availableParallelism() * 1.5));
