import { CrError } from "../error.ts";
import { type EventpollFileEntry, type EventpollTfdEntry, FdTypes } from "../image/schema.gen.ts";
import { tryIoctl } from "../kernel/fd.ts";
import { epollTarget } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import type { EpollTarget } from "../kernel/proc/fdinfo.ts";
import { check, sys } from "../kernel/sys.ts";
import { toU64 } from "../kernel/u64.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { EPIOC } from "../kernel/uapi/ioctl.ts";
import { linkEpolls } from "./epoll-link.ts";
import type { FileDump, FileKind, HeldFd, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";

/** Descriptors of the tree by task and number, and descriptions by inode. */
const tables = perRun((dump: FileDump) => {
  const byNumber = new Map<string, HeldFd>();
  const byInode = new Map<number, OpenFile[]>();
  const holders = new Map<OpenFile, HeldFd[]>();
  for (const held of dump.held) {
    byNumber.set(`${held.pid}:${held.fd}`, held);
    const known = holders.get(held.file);
    if (known) known.push(held);
    else {
      holders.set(held.file, [held]);
      const { ino } = held.file.stat;
      byInode.set(ino, [...(byInode.get(ino) ?? []), held.file]);
    }
  }
  return { byNumber, byInode, holders };
});

/** One watched description: who holds it under which number. */
interface Found {
  readonly target: HeldFd;
  /** It has the number that it was added under, in a task that holds the epoll. */
  readonly isPlain: boolean;
}

/**
 * Finds what an epoll watches. A number alone does not tell: it may have been closed or given to another file since, while
 * the description lives on in a duplicate.
 * @param nth how many targets with this number stand before it
 */
function find(file: OpenFile, target: EpollTarget, nth: number, dump: FileDump): Found | undefined {
  const { byNumber, byInode, holders } = tables(dump);
  const watches = (other: OpenFile) => epollTarget(process.pid, other.dup, process.pid, file.dup, target.tfd, nth);
  const owners = holders.get(file) ?? [];
  for (const { pid } of owners) {
    const held = byNumber.get(`${pid}:${target.tfd}`);
    if (held && held.file.stat.ino === target.ino && watches(held.file)) return { target: held, isPlain: true };
  }
  const other = (byInode.get(target.ino) ?? []).find(watches);
  if (other === undefined) return undefined;
  const candidates = holders.get(other) ?? [];
  const near = candidates.find(({ pid }) => owners.some((owner) => owner.pid === pid)) ?? candidates[0];
  return near && { target: near, isPlain: false };
}

function entryOf(file: OpenFile, target: EpollTarget, nth: number, dump: FileDump): EventpollTfdEntry {
  const found = find(file, target, nth, dump);
  if (found === undefined) throw lost(file, target);
  const entry: EventpollTfdEntry = {
    id: 0,
    tfd: found.target.fd,
    events: target.events,
    data: target.data,
    dev: target.sdev,
    inode: target.ino,
    pos: target.pos,
  };
  const isFirst = tables(dump).holders.get(file)?.[0]?.pid === found.target.pid;
  if (!found.isPlain) entry.tscriu_number = target.tfd;
  if (!found.isPlain || !isFirst) entry.tscriu_file = found.target.file.id;
  return entry;
}

function lost(file: OpenFile, target: EpollTarget): CrError {
  return new CrError("an epoll watches a file that no task of the tree holds", {
    code: "ENOENT",
    subject: { pid: file.pid, fd: file.fd, target: target.tfd, inode: target.ino },
    remedy:
      "let the program remove it with EPOLL_CTL_DEL before it closes the descriptor, or dump the process that holds it, too",
  });
}

/** All targets, in the kernel's order. Errors name the first that is not to be found. */
function targets(file: OpenFile, dump: FileDump): EventpollTfdEntry[] {
  const seen = new Map<number, number>();
  return (file.info.epoll ?? []).map((target) => {
    const nth = seen.get(target.tfd) ?? 0;
    seen.set(target.tfd, nth + 1);
    return entryOf(file, target, nth, dump);
  });
}

/** How an epoll polls network devices: struct epoll_params; 0 where it does not, and where the kernel does not tell. */
function busyPoll(fd: number): bigint {
  const params = new BigUint64Array(1);
  return tryIoctl(fd, EPIOC.GPARAMS, params) === 0 ? (params[0] ?? 0n) : 0n;
}

export const epoll: FileKind = {
  name: "epoll",
  type: FdTypes.EVENTPOLL,

  matches: (file) => file.link === "anon_inode:[eventpoll]",

  check(file, dump) {
    try {
      targets(file, dump);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      dump.blocker(error);
    }
  },

  dump(file, dump) {
    const epfd: EventpollFileEntry = { id: file.id, flags: file.flags, fown: file.fown, tfd: targets(file, dump) };
    const polls = busyPoll(file.dup);
    if (polls !== 0n) epfd.tscriu_busy_poll = toU64(polls);
    dump.add({ type: FdTypes.EVENTPOLL, id: file.id, epfd });
  },

  open(entry, restore) {
    const { epfd } = entry;
    if (epfd === undefined)
      throw new CrError("an epoll without its targets", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const fd = check(sys(NR.epoll_create1, O.CLOEXEC), "cannot make an epoll", { file: entry.id });
    restore.put(entry.id, fd);
    const { tscriu_busy_poll: polls } = epfd;
    if (polls !== undefined) {
      const what = "cannot have an epoll poll network devices (Linux 6.9, CONFIG_NET_RX_BUSY_POLL)";
      check(tryIoctl(fd, EPIOC.SPARAMS, new BigUint64Array([BigInt(polls)])), what, { file: entry.id });
    }
    restore.applyFown(fd, epfd.fown, epfd.flags);
  },

  link(entries, restore) {
    linkEpolls(entries, restore);
  },
};
