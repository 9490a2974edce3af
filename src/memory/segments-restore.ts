/** System V segments at restore: found again where they are and unchanged, else made anew, and attached where they were. */
import { PSEUDO } from "../agent/layout.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError, type Subject } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { EntryOf } from "../image/kinds.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, O } from "../kernel/fd.ts";
import { openMapFile, PAGE_SIZE } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { I386 } from "../kernel/nr-i386.ts";
import { type Call, Standby } from "../kernel/standby.ts";
import { check, sys } from "../kernel/sys.ts";
import {
  attachSegment,
  detachSegment,
  makeSegment,
  removal,
  removeSegment,
  type SegmentStat,
  SHM,
  SHM_MODE,
  segmentOfKey,
  setSegment,
  statSegment,
} from "../kernel/sysv-shm.ts";
import { HUGE_SHIFT } from "../kernel/uapi/mman.ts";
import { clearShared, fillShared, holdsShared } from "./shared.ts";
import { VMA } from "./vmas.ts";

type SegmentEntry = EntryOf<"IPCNS_SHM">;

const MREMAP_MAYMOVE_FIXED = 3;
const PROT = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const;

interface Held {
  readonly entry: SegmentEntry;
  /** Where we have it attached ourselves. */
  readonly address: number;
  /** As long as it is in memory: whole pages. */
  readonly bytes: number;
}

/** The segments of one restore. We hold each of them attached until the tree has them. */
export class RestoredSegments {
  readonly #held = new Map<number, Held>();
  readonly #made: number[] = [];
  /** Removes what we have made when we die. */
  #standby: Standby | undefined;

  constructor(readonly images: ImageDirectory) {}

  /** Finds or makes every segment of our own ipc namespace, with its content. @param namespace its id in the images */
  prepare(namespace: number): void {
    for (const entry of this.images.read("IPCNS_SHM", namespace)) {
      const found = this.#find(entry);
      if (!found) this.#make(entry);
      this.#hold(entry, found, sys);
    }
  }

  /** Makes every segment of a fresh ipc namespace, in which `call` is made. @param namespace its id in the images */
  fill(namespace: number, call: Caller): void {
    for (const entry of this.images.read("IPCNS_SHM", namespace)) {
      const { desc } = entry;
      makeSegment(desc.id, desc, Number(entry.size), flagsOf(entry), call);
      setSegment(desc.id, desc, call);
      this.#hold(entry, undefined, call);
    }
  }

  /** The segment that has the id of a saved one. */
  #find(entry: SegmentEntry): SegmentStat | undefined {
    const { id } = entry.desc;
    const found = statSegment(id);
    const isSame = found !== undefined && found.key === entry.desc.key && found.size === Number(entry.size);
    if (found && !isSame) throw taken(entry, "somebody else has the id of a System V segment by now");
    return found;
  }

  #hold(entry: SegmentEntry, found: SegmentStat | undefined, call: Caller): void {
    const { id } = entry.desc;
    const unit = entry.hugetlb_flag === undefined ? PAGE_SIZE : 2 ** (entry.hugetlb_flag >>> HUGE_SHIFT);
    const bytes = Math.ceil(Number(entry.size) / unit) * unit;
    const address = attachSegment(id, 0, call);
    this.#held.set(id, { entry, address, bytes });
    // it goes with its last user, which is the tree in the end
    if (entry.desc.mode & SHM_MODE.DEST) removeSegment(id, call);
    const fd = check(openMapFile(process.pid, address, address + bytes, O.RDWR), "cannot open a System V segment", {
      id,
    });
    try {
      if (found) this.#renew(entry, found, fd, bytes);
      else fillShared(this.images, id, fd, bytes);
    } finally {
      closeFd(fd);
    }
  }

  #make(entry: SegmentEntry): void {
    const { desc } = entry;
    const other = segmentOfKey(desc.key);
    if (other !== undefined) throw taken(entry, "somebody else has the key of a System V segment by now", other);
    this.#standby ??= new Standby();
    // nobody has the id: if it is never made, nothing is removed
    this.#standby.ifWeDie([...this.removals, removal(desc.id)]);
    try {
      makeSegment(desc.id, desc, Number(entry.size), flagsOf(entry), sys);
    } catch (error) {
      this.#standby.ifWeDie(this.removals);
      throw error;
    }
    this.#made.push(desc.id);
    setSegment(desc.id, desc, sys);
  }

  /** A segment that is still there: its content has to be what it was, or nobody may be there who would miss what it is now. */
  #renew(entry: SegmentEntry, found: SegmentStat, fd: number, bytes: number): void {
    const { id, cuid, cgid } = entry.desc;
    if (holdsShared(this.images, id, fd, bytes)) return;
    if (entry.tscriu_cpid !== found.cpid || cuid !== found.cuid || cgid !== found.cgid)
      throw taken(entry, "somebody else has the id and the key of a System V segment by now");
    if (found.attached > 0)
      throw taken(entry, "a System V segment was changed since the dump, and others have it attached");
    clearShared(fd, bytes);
    fillShared(this.images, id, fd, bytes);
  }

  /** The segment with this id. */
  held(id: number, subject: Subject): Held {
    const held = this.#held.get(id);
    if (held) return held;
    throw new CrError("an attached System V segment is not in the images", {
      code: "BAD_IMAGE",
      subject: { ...subject, id },
    });
  }

  /** What takes back what was made. */
  get removals(): Call[] {
    return this.#made.map(removal);
  }

  /** The tree has them all, and is about to run: who keeps it from doing so has `removals` to make. */
  keep(): void {
    this.#standby?.carryOut([]);
    this.#detach();
  }

  /** The restore has failed: what was made goes. Call it before the puppets are waited for. */
  undo(): void {
    this.#standby?.carryOut(this.removals);
    this.#detach();
  }

  #detach(): void {
    for (const { address } of this.#held.values()) detachSegment(address);
    this.#held.clear();
  }
}

function flagsOf({ hugetlb_flag, tscriu_noreserve }: SegmentEntry): number {
  return (hugetlb_flag ?? 0) | (tscriu_noreserve ? SHM.NORESERVE : 0);
}

function taken({ desc }: SegmentEntry, what: string, other = desc.id): CrError {
  return new CrError(what, {
    code: "EEXIST",
    subject: { id: other, key: `0x${desc.key.toString(16)}` },
    remedy: `see who with ipcs -m -i ${other}, and remove it with ipcrm -m ${other}`,
  });
}

/** Pieces of one attach: detaching by shmdt takes all of them together. */
function attaches(vmas: readonly VmaEntry[]): VmaEntry[][] {
  const groups = new Map<string, VmaEntry[]>();
  for (const vma of vmas) {
    if ((vma.status & VMA.SYSVIPC) === 0) continue;
    const key = `${vma.shmid}:${Number(vma.start) - Number(vma.pgoff)}:${vma.fdflags}`;
    const group = groups.get(key);
    if (group) group.push(vma);
    else groups.set(key, [vma]);
  }
  return [...groups.values()];
}

/** Attaches segments where the task had them. Nothing else is missing in its address space by now. */
export function attachSegments(puppet: Puppet, segments: RestoredSegments, vmas: readonly VmaEntry[]): void {
  for (const pieces of attaches(vmas)) attach(puppet, segments, pieces);
}

function attach(puppet: Puppet, segments: RestoredSegments, pieces: readonly VmaEntry[]): void {
  const { program, pid } = puppet;
  const [first] = pieces;
  if (!first) return;
  const base = Number(first.start) - Number(first.pgoff);
  const subject = { pid, address: base };
  const id = Number(first.shmid);
  const { bytes } = segments.held(id, subject);
  const isReadOnly = ((first.fdflags ?? O.RDWR) & O.ACCMODE) === O.RDONLY;
  const isCode = pieces.some(({ prot }) => prot & PROT.EXEC);
  const flags = (isReadOnly ? SHM.RDONLY : 0) | (isCode ? SHM.EXEC : 0);
  const what = "cannot attach a System V segment";
  const size = pieces.reduce((sum, { start, end }) => sum + Number(end) - Number(start), 0);
  if (size === bytes) program.call(NR.shmat, [id, base, flags], { expect: base, what, subject });
  else attachInPart(puppet, { id, flags, bytes }, pieces);
  const given = PROT.READ | (isReadOnly ? 0 : PROT.WRITE) | (isCode ? PROT.EXEC : 0);
  for (const { start, end, prot } of pieces) {
    const area = [Number(start), Number(end) - Number(start)];
    // areas with the same protection stay apart, as they are with the task
    if (pieces.length > 1) program.call(NR.mprotect, [...area, PROT.NONE], { what, subject });
    if (pieces.length > 1 || prot !== given) program.call(NR.mprotect, [...area, prot], { what, subject });
  }
}

/** Elsewhere, from where what the task still had is moved to its place. */
function attachInPart(
  { program, pid, isI386 }: Puppet,
  { id, flags, bytes }: { id: number; flags: number; bytes: number },
  pieces: readonly VmaEntry[],
): void {
  const what = "cannot attach a System V segment";
  program.run();
  // a 64-bit call finds no place in the address space of 32-bit code
  const attached = program.call(isI386 ? PSEUDO.i386 + I386.shmat : NR.shmat, [id, 0, flags], {
    what,
    subject: { pid, id },
  });
  program.run();
  const at = program.result(attached);
  let gap = 0;
  const drop = (until: number) => {
    if (until > gap) program.call(NR.munmap, [at + gap, until - gap], { what });
  };
  for (const { start, end, pgoff } of pieces) {
    const [from, to, offset] = [Number(start), Number(end), Number(pgoff)];
    const subject = { pid, address: from };
    program.call(NR.mremap, [at + offset, to - from, to - from, MREMAP_MAYMOVE_FIXED, from], {
      expect: from,
      what,
      subject,
    });
    drop(offset);
    gap = offset + to - from;
  }
  drop(bytes);
}
