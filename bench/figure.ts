/** The lines of the table, and what they are computed from. */

/** What was measured, by name: one value for each round. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name) ?? [];
    values.push(value);
    this.#values.set(name, values);
  }

  /** Forgets the warm-up. */
  clear(): void {
    this.#values.clear();
  }

  median(name: string): number {
    return median(this.#values.get(name) ?? []);
  }
}

/** Something that is done once a round and adds to the samples. */
export interface Turn {
  /** Makes ready what is measured. */
  prepare?(): void;
  run(samples: Samples): void;
  dispose?(): void;
}

/** One line: two things compared by their medians. */
export interface Figure {
  what: string;
  /** Why it cannot be measured here. */
  missing?: string | undefined;
  /** The ratio may be this much. */
  atMost: number;
  unit: "ms" | "MiB";
  /** Names of samples; a number is known from elsewhere. */
  ours: string;
  base: string | number;
  /** Who adds those samples. */
  turns: readonly Turn[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Ends the bench in order: its victims would outlive it. */
let ended: NodeJS.Signals | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => (ended = signal));

/**
 * All turns of a round, then the next round, so that what else the machine does meets all alike; the first round warms up and
 * does not count.
 */
export async function measure(turns: readonly Turn[], rounds: number, told: (round: number) => void): Promise<Samples> {
  const samples = new Samples();
  try {
    for (const turn of turns) turn.prepare?.();
    for (let round = 0; round <= rounds; round++) {
      for (const turn of turns) {
        turn.run(samples);
        await Bun.sleep(0);
        if (ended !== undefined) throw new Error(`ended by ${ended}`);
      }
      if (round === 0) samples.clear();
      told(round);
    }
  } finally {
    for (const turn of turns) turn.dispose?.();
  }
  return samples;
}
