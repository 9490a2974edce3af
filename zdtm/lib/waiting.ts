/** How a run waits, and how it ends when that is in vain. */
import { existsSync, readFileSync } from "node:fs";

/** A hung step is a failure after this long, in milliseconds; nothing waits for it otherwise. */
const guard = 180_000;

export class Failure extends Error {}
export class Skipped extends Error {}

/** Waits for a condition that nothing announces: it looks less often the longer that takes. */
export async function poll(what: string, holds: () => boolean): Promise<void> {
  let nap = 2;
  for (const late = performance.now() + guard; !holds(); nap = Math.min(20, nap * 1.2)) {
    if (performance.now() > late) throw new Failure(`${what}: still not after ${guard / 1000} s`);
    await Bun.sleep(nap);
  }
}

export async function within<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure(`${what}: still not after ${guard / 1000} s`)), guard);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The last lines of a file, for people; empty where there is none. */
export function tail(path: string, lines: number): string {
  if (!existsSync(path)) return "";
  const all = readFileSync(path, "latin1").trimEnd().split("\n");
  return all
    .slice(-lines)
    .map((l) => `    ${l.slice(0, 400)}`)
    .join("\n");
}
