/**
 * System V shared memory segments: all of an ipc namespace of the tree's own, or those that it has attached. In the host's they
 * belong to nobody: they may be there at the restore, or gone. Their image is then named by the number of the dumper's own
 * namespace, which no other reader looks for.
 */
import { CrError } from "../error.ts";
import type { EntryOf } from "../image/kinds.ts";
import { hasFlag, VM, type Vma } from "../kernel/proc/maps.ts";
import { type SegmentStat, SHM, SHM_MODE, statSegment } from "../kernel/sysv-shm.ts";
import { HUGE_SHIFT } from "../kernel/uapi/mman.ts";

type SegmentEntry = EntryOf<"IPCNS_SHM">;

/** What the kernel calls an attached segment: by the key with which it was made. */
const NAME = /^\/SYSV([0-9a-f]{8})/;

/** Whether an area is an attached segment; its inode's number is the segment's id. */
export function isSegment(vma: Vma): boolean {
  return vma.name !== "" && NAME.test(vma.name);
}

function entryOf(id: number, stat: SegmentStat): SegmentEntry {
  const { key, uid, gid, cuid, cgid, mode } = stat;
  return {
    desc: { key, uid, gid, cuid, cgid, mode, id },
    size: stat.size,
    in_pagemaps: true,
    tscriu_cpid: stat.cpid,
    extra: new Uint8Array(0),
  };
}

/** SHM_HUGETLB with the code of the page size. */
export function hugeFlag(pageSize: number): number {
  return SHM.HUGETLB | (Math.log2(pageSize) << HUGE_SHIFT);
}

/** The segments of one dump. */
export class Segments {
  readonly #entries = new Map<number, SegmentEntry>();
  readonly #attached = new Set<number>();

  /** @param all those of the tree's own ipc namespace; undefined where it lives in ours */
  constructor(readonly all?: ReadonlyMap<number, SegmentStat>) {
    for (const [id, stat] of all ?? []) this.#entries.set(id, entryOf(id, stat));
  }

  /** Notes the segment of an area; what keeps it from being saved, or undefined. */
  look(pid: number, vma: Vma): CrError | undefined {
    const id = vma.ino;
    if (this.#attached.has(id)) return undefined;
    const stat = this.all ? this.all.get(id) : statSegment(id);
    const key = Number.parseInt(NAME.exec(vma.name)?.[1] ?? "", 16);
    // one that goes with its last user has no key any more
    if (!stat || (stat.key !== key && (stat.mode & SHM_MODE.DEST) === 0)) {
      return new CrError("an attached System V segment is of another ipc namespace than its task", {
        code: "ENOTSUP",
        subject: { pid, address: vma.start, path: vma.name },
        remedy: "let the program detach it (shmdt)",
      });
    }
    const entry = entryOf(id, stat);
    if (hasFlag(vma.flags, VM.ht)) entry.hugetlb_flag = hugeFlag(vma.pageSize);
    if (hasFlag(vma.flags, VM.nr)) entry.tscriu_noreserve = true;
    this.#entries.set(id, entry);
    this.#attached.add(id);
    return undefined;
  }

  /** Those that tasks of the tree have attached: their content is saved with the areas. */
  get attached(): ReadonlySet<number> {
    return this.#attached;
  }

  get ids(): Iterable<number> {
    return this.#entries.keys();
  }

  get entries(): readonly SegmentEntry[] {
    return [...this.#entries.values()];
  }
}
