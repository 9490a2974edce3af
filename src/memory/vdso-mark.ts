/**
 * The mark by which a dump knows a vDSO that a restore put beside the task's own, which is of another kernel: it is no part
 * of the task. It lies where the ELF header was, as CRIU has it, with where the task's own two areas are.
 */
import { CrError } from "../error.ts";
import type { Vma } from "../kernel/proc/maps.ts";

/** "CRIUvDSO", and the version before, which knows no address of the area's own vvar. */
const SIGNATURE = 0x4f53447655495243n;
const SIGNATURE_2 = 0x4f53447675697263n;
const VERSION = 3n;
/** Where an address would stand. */
const NOWHERE = 0xffff_ffff_ffff_ffffn;
export const MARK_SIZE = 40;

export interface Mark {
  /** Where the task's own vDSO lies, which calls this one. */
  readonly vdso: number;
  /** Where the task's own data area lay. */
  readonly vvar: number | undefined;
  /** Where the data area of the marked vDSO lies. */
  readonly marksVvar: number | undefined;
}

export function putMark({ vdso, vvar, marksVvar }: Mark): Uint8Array {
  const place = (at: number | undefined) => (at === undefined ? NOWHERE : BigInt(at));
  return new Uint8Array(new BigUint64Array([SIGNATURE, BigInt(vdso), VERSION, place(vvar), place(marksVvar)]).buffer);
}

/** The mark at a vDSO's beginning; undefined where there is none. */
export function readMark(bytes: Uint8Array): Mark | undefined {
  const words = new BigUint64Array(bytes.slice(0, MARK_SIZE).buffer);
  const [signature, vdso = 0n, , vvar = NOWHERE, marksVvar = NOWHERE] = words;
  if (signature !== SIGNATURE && signature !== SIGNATURE_2) return undefined;
  const place = (at: bigint) => (at === NOWHERE ? undefined : Number(at));
  return {
    vdso: Number(vdso),
    vvar: place(vvar),
    marksVvar: signature === SIGNATURE ? place(marksVvar) : undefined,
  };
}

/**
 * A task's areas without the vDSO that a restore put there; what calls it, plain memory to the kernel, gets its names back.
 * @param read bytes of the task's memory
 */
export function ownAreas(
  pid: number,
  vmas: readonly Vma[],
  read: (address: number, length: number) => Uint8Array,
): readonly Vma[] {
  const marks = new Map<number, Mark>();
  for (const { name, start } of vmas) {
    const mark = name === "[vdso]" ? readMark(read(start, MARK_SIZE)) : undefined;
    if (mark) marks.set(start, mark);
  }
  if (marks.size === 0) return vmas;
  const own = [...marks.values()];
  for (const { vdso } of own) {
    // that it is not there is the task's own doing
    const around = vmas.find(({ start, end }) => start < vdso && vdso < end);
    if (!around) continue;
    throw new CrError("the task's vDSO, which is of another kernel, has become one with an area of the task's", {
      code: "ENOTSUP",
      subject: { pid, address: around.start },
      remedy: "let the program map its memory elsewhere",
    });
  }
  return vmas
    .filter((vma) => !marks.has(vma.start) && !vma.name.startsWith("[vvar"))
    .map((vma) => {
      const called = own.some(({ vdso }) => vdso === vma.start);
      if (called || own.some(({ vvar }) => vvar === vma.start)) return { ...vma, name: called ? "[vdso]" : "[vvar]" };
      return vma;
    });
}
