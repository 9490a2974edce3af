import { closeSync, openSync, readSync } from "node:fs";
import type { Area } from "./areas.ts";

const page = 4096;
const present = 0x80;
const swapped = 0x40;
/** Bit 61: the page belongs to a file or to shared memory, so it is no page of the task's own. */
const foreign = 0x20;

function read(fd: number, into: Uint8Array, bytes: number, at: number): number {
  try {
    return readSync(fd, into, 0, bytes, at);
  } catch {
    return 0;
  }
}

const zeros = Buffer.alloc(page);

/**
 * A digest of the pages that belong to the task alone (pagemap of proc(5)), or undefined where there are none.
 * Pages of zeros in anonymous memory count as absent: whether they exist cannot be told from inside.
 */
export function pageDigests(process: string, area: Area): string | undefined {
  if (area.populated === 0 || area.end - area.start > 2 ** 30) return undefined;
  const map = openSync(`${process}/pagemap`, "r");
  const memory = openSync(`${process}/mem`, "r");
  try {
    const count = (area.end - area.start) / page;
    const entries = new Uint8Array(count * 8);
    read(map, entries, entries.length, (area.start / page) * 8);
    const anonymous = !area.name.startsWith("/");
    const one = Buffer.alloc(page);
    let digest = 0n;
    let pages = 0;
    for (let i = 0; i < count; i++) {
      const bits = entries[i * 8 + 7] ?? 0;
      if ((bits & (present | swapped)) === 0 || (bits & foreign) !== 0) continue;
      if (read(memory, one, page, area.start + i * page) !== page) continue; // a guard page or the like
      if (anonymous && zeros.equals(one)) continue;
      digest = Bun.hash.wyhash(one, digest ^ BigInt(i));
      pages++;
    }
    return pages === 0 ? undefined : `${pages} pages ${digest.toString(16)}`;
  } finally {
    closeSync(map);
    closeSync(memory);
  }
}
