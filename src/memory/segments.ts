/**
 * System V shared memory segments that a tree has attached. In the host's ipc namespace they belong to nobody: they may be
 * there at the restore, or gone. The images are those of an ipc namespace, under the number of the dumper's own, which no other
 * reader looks for.
 */
import { CrError } from "../error.ts";
import type { EntryOf } from "../image/kinds.ts";
import { hasFlag, VM, type Vma } from "../kernel/proc/maps.ts";
import { SHM, SHM_MODE, statSegment } from "../kernel/sysv-shm.ts";
import { HUGE_SHIFT } from "../kernel/uapi/mman.ts";

type SegmentEntry = EntryOf<"IPCNS_SHM">;

/** What the kernel calls an attached segment: by the key with which it was made. */
const NAME = /^\/SYSV([0-9a-f]{8})/;

/** Whether an area is an attached segment; its inode's number is the segment's id. */
export function isSegment(vma: Vma): boolean {
  return NAME.test(vma.name);
}

/** The segments of one dump. */
export class Segments {
  readonly #entries = new Map<number, SegmentEntry>();

  /** Notes the segment of an area; what keeps it from being saved, or undefined. */
  look(pid: number, vma: Vma): CrError | undefined {
    const id = vma.ino;
    if (this.#entries.has(id)) return undefined;
    const stat = statSegment(id);
    const key = Number.parseInt(NAME.exec(vma.name)?.[1] ?? "", 16);
    // one that goes with its last user has no key any more
    if (!stat || (stat.key !== key && (stat.mode & SHM_MODE.DEST) === 0)) {
      return new CrError("an attached System V segment is not of the ipc namespace that tscriu runs in", {
        code: "ENOTSUP",
        subject: { pid, address: vma.start, path: vma.name },
        remedy: "let the program detach it (shmdt)",
      });
    }
    const { uid, gid, cuid, cgid, mode } = stat;
    const entry: SegmentEntry = {
      desc: { key: stat.key, uid, gid, cuid, cgid, mode, id },
      size: stat.size,
      in_pagemaps: true,
      tscriu_cpid: stat.cpid,
      extra: new Uint8Array(0),
    };
    if (hasFlag(vma.flags, VM.ht)) entry.hugetlb_flag = SHM.HUGETLB | (Math.log2(vma.pageSize) << HUGE_SHIFT);
    if (hasFlag(vma.flags, VM.nr)) entry.tscriu_noreserve = true;
    this.#entries.set(id, entry);
    return undefined;
  }

  get ids(): Iterable<number> {
    return this.#entries.keys();
  }

  get entries(): readonly SegmentEntry[] {
    return [...this.#entries.values()];
  }
}
