/** vDSO and vvar: the kernel's own pages in every task, which are moved to where the task had them. */

import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { VMA } from "./vmas.ts";

const MREMAP_MAYMOVE_FIXED = 3;

export interface Piece {
  start: number;
  end: number;
}

/** Room that parking needs at most, bytes. */
export const PARKING = 0x40000;

export function isKernelPage(vma: Vma): boolean {
  return vma.name === "[vdso]" || vma.name.startsWith("[vvar");
}

function isTarget(entry: VmaEntry): boolean {
  return (entry.status & (VMA.VDSO | VMA.VVAR)) !== 0;
}

/**
 * Moves the running kernel's vDSO group to where the images have theirs, by way of a parking place.
 * @param current the group as it lies in the puppet
 * @param wanted the target's entries
 */
export function moveVdso(
  program: Program,
  pid: number,
  current: readonly Vma[],
  wanted: readonly VmaEntry[],
  parking: number,
): void {
  const have = current.filter(isKernelPage);
  const targets = wanted.filter(isTarget).map((e) => ({ start: Number(e.start), end: Number(e.end) }));
  if (targets.length === 0) {
    for (const piece of have) program.call(NR.munmap, [piece.start, piece.end - piece.start]);
    return;
  }
  const from = Math.min(...have.map((p) => p.start));
  const to = Math.min(...targets.map((p) => p.start));
  const size = (pieces: readonly Piece[]) =>
    Math.max(...pieces.map((p) => p.end)) - Math.min(...pieces.map((p) => p.start));
  if (have.length === 0 || size(have) !== size(targets)) {
    throw new CrError("the task's vDSO is of another kernel: carrying it over is not supported yet", {
      code: "ENOTSUP",
      subject: { pid },
      remedy: "restore on the kernel that the task was dumped on",
    });
  }
  if (from === to) return;
  const move = (pieces: readonly Piece[], source: number, destination: number): void => {
    for (const { start, end } of pieces) {
      const old = source + (start - from);
      const fresh = destination + (start - from);
      program.call(NR.mremap, [old, end - start, end - start, MREMAP_MAYMOVE_FIXED, fresh], {
        expect: fresh,
        what: "cannot move the vDSO",
      });
    }
  };
  move(have, from, parking);
  move(have, parking, to);
}
