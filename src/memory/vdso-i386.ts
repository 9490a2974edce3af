/**
 * The vDSO of 32-bit code. Threads that sleep in a system call stand inside of it, for there the kernel lets them in and out. So
 * only the very same one will do, at the same address: what is mapped is the running kernel's, which also notes where it lies.
 */
import { CrError } from "../error.ts";
import type { MmEntry } from "../image/schema.gen.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { sameCode } from "./vdso-elf.ts";
import type { VdsoPlan } from "./vdso-plan.ts";
import type { Range } from "./vdso-room.ts";
import { VMA } from "./vmas.ts";

/** What the images have of a 32-bit task's vDSO. */
export interface SavedI386Vdso {
  readonly vdso: Range;
  /** From its lowest page to its highest, data too. */
  readonly size: number;
  /** Undefined where the set does not hold them. */
  readonly bytes: Uint8Array | undefined;
}

function another(pid: number, address: number): CrError {
  return new CrError("the 32-bit task's vDSO is of another kernel", {
    code: "ENOTSUP",
    subject: { pid, address },
    remedy: "restore on the kernel that the task was dumped on",
  });
}

/** @throws CrError for a task that has unmapped a part of it */
export function planI386Vdso(
  pid: number,
  mm: MmEntry,
  bytes: Uint8Array | undefined,
): { plan: VdsoPlan; saved: SavedI386Vdso | undefined } {
  const own = mm.vmas.filter((entry) => entry.status & (VMA.VDSO | VMA.VVAR));
  const wanted = own.map(({ start, end }) => ({ start: Number(start), end: Number(end) }));
  if (wanted.length === 0) return { plan: { kind: "none" }, saved: undefined };
  const at = own.findIndex((entry) => entry.status & VMA.VDSO);
  const vdso = wanted[at];
  if (!vdso) throw another(pid, wanted[0]?.start ?? 0);
  const size = Math.max(...wanted.map(({ end }) => end)) - Math.min(...wanted.map(({ start }) => start));
  return { plan: { kind: "move", vdso: vdso.start, wanted }, saved: { vdso, size, bytes } };
}

/** @param current what the kernel has mapped into the task's puppet: `[vdso]` and `[vvar…]` */
export function requireI386Vdso(pid: number, current: readonly Vma[], saved: SavedI386Vdso): void {
  const here = current.find(({ name }) => name === "[vdso]");
  const size = Math.max(...current.map(({ end }) => end)) - Math.min(...current.map(({ start }) => start));
  const { vdso, bytes } = saved;
  if (!here || here.end - here.start !== vdso.end - vdso.start || size !== saved.size) throw another(pid, vdso.start);
  if (!bytes) return;
  using memory = new RemoteMemory(pid);
  if (!sameCode(bytes, memory.read(here.start, bytes.length))) throw another(pid, vdso.start);
}
