/** vDSO and vvar: the kernel's own pages in every task, which are moved to where the plan wants them. */

import type { Program } from "../agent/program.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { putMark } from "./vdso-mark.ts";
import type { VdsoPlan } from "./vdso-plan.ts";

const MREMAP_MAYMOVE_FIXED = 3;
const MADV_DONTNEED = 4;

/** Room that parking needs at most, bytes. */
export const PARKING = 0x40000;

export function isKernelPage(vma: Vma): boolean {
  return vma.name === "[vdso]" || vma.name.startsWith("[vvar");
}

/**
 * Moves the running kernel's vDSO group to its place, by way of a parking place where that overlaps with its own.
 * @param current the group as it lies in the puppet
 */
export function moveVdso(program: Program, current: readonly Vma[], plan: VdsoPlan, parking: number): void {
  const have = current.filter(isKernelPage);
  const vdso = have.find(({ name }) => name === "[vdso]");
  const from = Math.min(...have.map((piece) => piece.start));
  let to = from;
  if (plan.kind === "beside") to = plan.to;
  else if (plan.kind === "move" && vdso) to = plan.vdso - (vdso.start - from);
  const isWanted = ({ start, end }: Vma): boolean => {
    const [first, last] = [start - from + to, end - from + to];
    if (plan.kind === "move") return plan.wanted.some((range) => range.start <= first && last <= range.end);
    return plan.kind === "beside";
  };
  for (const piece of have) if (!isWanted(piece)) program.call(NR.munmap, [piece.start, piece.end - piece.start]);
  const kept = have.filter(isWanted);
  // a mark that the puppet's parent got
  for (const { start, end, name } of kept)
    if (name === "[vdso]") program.call(NR.madvise, [start, end - start, MADV_DONTNEED], { ignore: true });
  if (from === to) return;
  const move = (source: number, destination: number): void => {
    for (const { start, end } of kept) {
      const fresh = destination + (start - from);
      program.call(NR.mremap, [source + (start - from), end - start, end - start, MREMAP_MAYMOVE_FIXED, fresh], {
        expect: fresh,
        what: "cannot move the vDSO",
      });
    }
  };
  const size = Math.max(...have.map((piece) => piece.end)) - from;
  const overlaps = Math.abs(from - to) < size;
  if (overlaps) move(from, parking);
  move(overlaps ? parking : from, to);
}

/**
 * The old vDSO's functions jump to the running kernel's from here on, which is marked; all else of the memory is there. As its
 * tracer, for then the kernel sees to it that processors notice what they had as other code.
 */
export function connectVdso(memory: RemoteMemory, plan: VdsoPlan): void {
  if (plan.kind !== "beside") return;
  memory.write(plan.vdso, plan.code);
  if (plan.mark) memory.write(plan.mark.at, putMark(plan.mark));
}
