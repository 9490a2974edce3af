/** One line of the table that `npm run bench` prints: two things measured turn by turn, compared by their medians. */
export interface Figure {
  what: string;
  /** The ratio may be this much. */
  atMost: number;
  /** Makes ready what is measured; both return milliseconds. */
  prepare(): Promise<{ ours: () => number | Promise<number>; base: () => number | Promise<number> }>;
}

export interface Measured {
  ours: number;
  base: number;
  ratio: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Both in turn, so that what else the machine does meets them alike; the first round warms up and does not count. */
export async function measure(figure: Figure, rounds: number): Promise<Measured> {
  const { ours, base } = await figure.prepare();
  const times = { ours: [] as number[], base: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const [a, b] = [await ours(), await base()];
    if (round === 0) continue;
    times.ours.push(a);
    times.base.push(b);
  }
  const [oursMedian, baseMedian] = [median(times.ours), median(times.base)];
  return { ours: oursMedian, base: baseMedian, ratio: oursMedian / baseMedian };
}
