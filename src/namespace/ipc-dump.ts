/** The ipc namespace that a frozen tree has of its own, looked at and saved from inside. */
import { readdirSync } from "node:fs";
import type { ImageDirectory } from "../image/directory.ts";
import type { EntryOf } from "../image/kinds.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, O } from "../kernel/fd.ts";
import { openMapFile } from "../kernel/memory.ts";
import { makeMount } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { readMaps } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { inIpcNamespace, type Owner, objectTable } from "../kernel/sysv.ts";
import { readQueue } from "../kernel/sysv-msg.ts";
import { readSemaphores } from "../kernel/sysv-sem.ts";
import { attachSegment, detachSegment, type SegmentStat, SHM, statSegment } from "../kernel/sysv-shm.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { hugeFlag, type Segments } from "../memory/segments.ts";
import type { NamespaceIds } from "./ids.ts";
import { readLimits } from "./ipc-limits.ts";

const descOf = (id: number, { key, uid, gid, cuid, cgid, mode }: Owner) => ({ key, uid, gid, cuid, cgid, mode, id });

/** Page size of a file on huge pages, or undefined. */
function hugePages(fd: number): number | undefined {
  const words = new BigInt64Array(new ArrayBuffer(128));
  check(sys(NR.fstatfs, fd, addressOf(words)), "cannot read the page size of a shared memory segment", { fd });
  return Number(words[0]) === FS.HUGETLBFS ? Number(words[1]) : undefined;
}

/** Our descriptor of a segment that nobody of the tree has attached; the caller closes it. */
function openSegment(id: number, call: Caller): number {
  const address = attachSegment(id, SHM.RDONLY, call);
  try {
    using dir = new ProcDir(process.pid);
    const end = readMaps(dir).find(({ start }) => start === address)?.end ?? address;
    return check(openMapFile(process.pid, address, end, O.RDONLY), "cannot open a shared memory segment", { id });
  } finally {
    detachSegment(address);
  }
}

export class IpcNamespace {
  /** All segments, by id. */
  readonly segments = new Map<number, SegmentStat>();
  /** Semaphore sets, as columns of /proc/sysvipc/sem. */
  readonly semaphores: readonly number[][];

  private constructor(
    readonly id: number,
    readonly member: number,
  ) {
    this.semaphores = inIpcNamespace(member, (call) => {
      for (const [, segment = -1] of objectTable("shm", call)) {
        const stat = statSegment(segment, call);
        if (stat) this.segments.set(segment, stat);
      }
      return objectTable("sem", call);
    });
  }

  /** Those in which tasks of the tree live, but ours. */
  static all({ foreign }: NamespaceIds): IpcNamespace[] {
    return foreign.filter(({ name }) => name === "ipc").map(({ id, member }) => new IpcNamespace(id, member));
  }

  /** Names of the POSIX message queues in it. */
  get queues(): string[] {
    return inIpcNamespace(this.member, (call) => {
      const fd = makeMount("mqueue", "cannot look for message queues", call);
      try {
        return readdirSync(`/proc/self/fd/${fd}`);
      } finally {
        closeFd(fd);
      }
    });
  }

  /** @param keep saves the content of the segment with this id; `fd` stays ours */
  save(images: ImageDirectory, segments: Segments, keep: (id: number, fd: number) => void): void {
    inIpcNamespace(this.member, (call) => {
      images.write("IPC_VAR", this.id, [readLimits(call)]);
      for (const entry of segments.entries) {
        if (segments.attached.has(entry.desc.id)) continue;
        const fd = openSegment(entry.desc.id, call);
        const huge = hugePages(fd);
        if (huge !== undefined) entry.hugetlb_flag = hugeFlag(huge);
        keep(entry.desc.id, fd);
        closeFd(fd);
      }
      const queues = objectTable("msg", call).map(([, id = -1]): EntryOf<"IPCNS_MSG"> => {
        const { messages, room, ...own } = readQueue(id, call);
        const extra = messages.map(({ type, text }) => ({ message: { mtype: type, msize: text.length }, text }));
        return { desc: descOf(id, own), qbytes: room, qnum: messages.length, extra };
      });
      const sets = objectTable("sem", call).map(([, id = -1, , count = 0]): EntryOf<"IPCNS_SEM"> => {
        const { values, ...own } = readSemaphores(id, count, call);
        return { desc: descOf(id, own), nsems: count, extra: [...values] };
      });
      if (queues.length > 0) images.write("IPCNS_MSG", this.id, queues);
      if (sets.length > 0) images.write("IPCNS_SEM", this.id, sets);
    });
  }
}
