/** Requests that block devices have not answered yet: /sys/block/NAME/inflight (Documentation/block/stat.rst). */
import { readdirSync, readFileSync } from "node:fs";

const ROOT = "/sys/block";
/** Milliseconds. */
const PATIENCE = 1000;

function isBusy(name: string): boolean {
  try {
    return /[1-9]/.test(readFileSync(`${ROOT}/${name}/inflight`, "latin1"));
  } catch {
    return false; // it was taken away
  }
}

/**
 * Waits until each block device was seen without a request: what was asked of it before is answered. Names those that never
 * were; undefined where the system does not show them.
 */
export function waitForDisks(): string[] | undefined {
  let busy: string[];
  try {
    busy = readdirSync(ROOT);
  } catch {
    return undefined;
  }
  for (let turns = 0; turns < PATIENCE; turns++) {
    busy = busy.filter(isBusy);
    if (busy.length === 0) break;
    Bun.sleepSync(1);
  }
  return busy;
}
