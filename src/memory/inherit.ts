/** Which areas of a child can be its parent's, so that their pages stay shared until they are written. */
import type { VmaEntry } from "../image/schema.gen.ts";
import { MAP, VMA } from "./vmas.ts";

/** Areas that a child may share copy-on-write with its parent. */
function sharable(entry: VmaEntry): boolean {
  return (
    (entry.status & (VMA.ANON_PRIVATE | VMA.FILE_PRIVATE)) !== 0 &&
    (entry.status & (VMA.VDSO | VMA.VVAR | VMA.VSYSCALL | VMA.GUARD)) === 0 &&
    (entry.flags & MAP.HUGETLB) === 0
  );
}

/** A piece of the parent's area, same file, same kind: the child's area can be the parent's, copied on write. */
function isPieceOf(child: VmaEntry, parent: VmaEntry): boolean {
  const shift = child.status & VMA.FILE_PRIVATE ? Number(child.start) - Number(parent.start) : 0;
  return (
    sharable(child) &&
    sharable(parent) &&
    Number(child.end) <= Number(parent.end) &&
    child.shmid === parent.shmid &&
    Number(child.pgoff) - Number(parent.pgoff) === shift &&
    child.prot === parent.prot &&
    child.flags === parent.flags &&
    child.status === parent.status &&
    (child.madv ?? 0) === (parent.madv ?? 0) &&
    (child.tscriu_pkey ?? 0) === (parent.tscriu_pkey ?? 0)
  );
}

/** The parent's area, of its list in order, that a child's area may be a copy of. */
export function inheritable(child: VmaEntry, parent: readonly VmaEntry[]): VmaEntry | undefined {
  const start = Number(child.start);
  let low = 0;
  let high = parent.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(parent[middle]?.start) <= start) low = middle + 1;
    else high = middle;
  }
  const found = parent[low - 1];
  return found && isPieceOf(child, found) ? found : undefined;
}

/** Does the kernel's MADV_DONTFORK keep it from children? */
export function dontFork(entry: VmaEntry): boolean {
  const madv = Number(entry.madv ?? 0);
  return ((madv >> 10) & 1) === 1 || ((madv >> 18) & 1) === 1;
}
