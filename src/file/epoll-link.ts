import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { EventpollTfdEntry, FileEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, linkOf } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { EPOLL, EPOLL_CTL, EPOLL_EVENT as EVENT } from "../kernel/uapi/event.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import type { FileRestore, RestoredTask } from "./kind.ts";
import { whileReady } from "./while-ready.ts";

/** What the kernel keeps of a target with EPOLLONESHOT that has fired: no event is asked for any more. */
const MODES = EPOLL.WAKEUP | EPOLL.ONESHOT | EPOLL.ET | EPOLL.EXCLUSIVE;
const ALL_EVENTS = EPOLL.IN | EPOLL.OUT | EPOLL.PRI | EPOLL.RDNORM | EPOLL.WRNORM | EPOLL.RDHUP;
const EBADF = -(ERRNO.EBADF ?? 9);

/** One target to be added. */
interface Watch {
  readonly file: number;
  readonly entry: EventpollTfdEntry;
  /** The number under which it is registered. */
  readonly number: number;
  readonly events: number;
  /** Where it can be added as it was: a task that holds the epoll as `epfd` and the target at `number`. */
  readonly task: RestoredTask | undefined;
  readonly epfd: number;
  /** File id of the target. */
  readonly target: number;
}

/** Whether an entry is a target whose only event was delivered already. */
function hasFired(events: number): boolean {
  return (events & EPOLL.ONESHOT) !== 0 && (events & ~MODES) === 0;
}

function fillEvent(bytes: Uint8Array, watch: Watch, events: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(0, events >>> 0, true);
  view.setBigUint64(EVENT.data, BigInt.asUintN(64, BigInt(watch.entry.data)), true);
}

function lost(entry: FileEntry, tfd: EventpollTfdEntry): CrError {
  return new CrError("an epoll watches a file that is not in the images", {
    code: "BAD_IMAGE",
    subject: { file: entry.id, target: tfd.tscriu_file ?? tfd.tfd },
  });
}

/** Of an epoll that nobody holds, because it is in flight, criu's images tell a number, and the inode, which for a socket will do. */
function socketOf({ inode }: EventpollTfdEntry, restore: FileRestore): number | undefined {
  if (inode === undefined) return undefined;
  for (const [id, { usk, isk }] of restore.entries) if ((usk ?? isk)?.ino === inode) return id;
  return undefined;
}

/** Who can add a target, and how. */
function watchOf(entry: FileEntry, tfd: EventpollTfdEntry, restore: FileRestore): Watch {
  const owners = restore.holders(entry.id);
  const number = tfd.tscriu_number ?? tfd.tfd;
  const [owner] = owners;
  const byNumber = owner ? owner.task.fds.find(({ fd }) => fd === tfd.tfd)?.id : socketOf(tfd, restore);
  const id = tfd.tscriu_file ?? byNumber;
  if (id === undefined) throw lost(entry, tfd);
  const common = { file: entry.id, entry: tfd, number, events: tfd.events >>> 0, target: id };
  for (const { task, entry: held } of owners) {
    if (task.fds.some(({ fd, id: other }) => fd === number && other === id)) {
      return { ...common, task, epfd: held.fd };
    }
  }
  return { ...common, task: undefined, epfd: restore.descriptor(entry.id) };
}

/**
 * Adds a target under a number that no task has it at: we do it ourselves, while it has that number here. What may be
 * there of ours steps aside for three system calls.
 */
function addHere(watch: Watch, target: number, operation: number, events: number): void {
  const subject = { file: watch.file, target: watch.number };
  const what = "cannot let an epoll watch a file";
  const aside = sys(NR.fcntl, watch.number, F.DUPFD_CLOEXEC, watch.number + 1);
  if (aside !== EBADF) check(aside, what, subject);
  const bytes = new Uint8Array(EVENT.size);
  fillEvent(bytes, watch, events);
  // our own descriptors may be the ones that are moved
  const moved = (fd: number) => (fd === watch.number && aside >= 0 ? aside : fd);
  let result = 0;
  if (target !== watch.number) result = sys(NR.dup3, target, watch.number, O.CLOEXEC);
  if (result >= 0) result = sys(NR.epoll_ctl, moved(watch.epfd), operation, watch.number, addressOf(bytes));
  if (aside >= 0) {
    sys(NR.dup3, aside, watch.number, O.CLOEXEC);
    closeFd(aside);
  } else closeFd(watch.number);
  check(result, what, subject);
}

function addThere(program: Program, watch: Watch, operation: number, events: number): void {
  if (program.room < EVENT.size + 8 || program.calls < 1) program.run();
  const data = program.reserve(EVENT.size);
  fillEvent(data.bytes, watch, events);
  program.call(NR.epoll_ctl, [watch.epfd, operation, watch.number, data], {
    what: "cannot let an epoll watch a file",
    subject: { file: watch.file, target: watch.number },
  });
}

/** One round trip for each task, whatever the number of targets. */
function apply(
  watches: readonly Watch[],
  operation: number,
  eventsOf: (watch: Watch) => number,
  restore: FileRestore,
): void {
  const byTask = new Map<RestoredTask, Watch[]>();
  for (const watch of watches) {
    if (watch.task === undefined) addHere(watch, restore.descriptor(watch.target), operation, eventsOf(watch));
    else {
      const list = byTask.get(watch.task) ?? [];
      list.push(watch);
      byTask.set(watch.task, list);
    }
  }
  for (const [task, list] of byTask) {
    task.run((program) => {
      for (const watch of list) addThere(program, watch, operation, eventsOf(watch));
    });
  }
}

/** Takes all events that an epoll has right now. */
function drain(fd: number, count: number): void {
  const events = new Uint8Array(EVENT.size * count);
  check(sys(NR.epoll_pwait, fd, addressOf(events), count, 0, 0, 8), "cannot read an epoll");
}

/** Targets of an epoll that can still fire. */
function armed(watches: readonly Watch[], fd: number): Watch[] {
  using self = new ProcDir(process.pid);
  const live = (readFdInfo(self, fd).epoll ?? []).filter(({ events }) => !hasFired(events));
  return watches.filter((watch) => live.some(({ tfd, data }) => tfd === watch.number && data === watch.entry.data));
}

/**
 * A target that has fired asks for nothing, yet adding one always asks for errors and hang-ups. So these are added first,
 * alone, for every event, and fire at once when the file is ready in any way or can be made so; those that cannot get the
 * nearest that can be had. Of these only a pidfd ever hangs up: a listening socket, a signalfd and a fanotify stay silent.
 */
function addFired(watches: readonly Watch[], restore: FileRestore): void {
  if (watches.length === 0) return;
  const modes = (watch: Watch) => watch.events & MODES;
  apply(watches, EPOLL_CTL.ADD, (watch) => modes(watch) | ALL_EVENTS, restore);
  for (const id of new Set(watches.map(({ file }) => file))) {
    const fd = restore.descriptor(id);
    const mine = watches.filter(({ file }) => file === id);
    drain(fd, mine.length);
    for (const { target } of armed(mine, fd)) whileReady(restore.descriptor(target), () => drain(fd, mine.length));
    const left = armed(mine, fd);
    apply(left, EPOLL_CTL.MOD, modes, restore);
    for (const { target, number } of left) {
      if (!/pidfd/.test(linkOf(restore.descriptor(target)))) continue;
      const what = "an epoll will tell the end of a process though its one-shot target was used up";
      restore.log.warn(`${what} (file ${id}, descriptor ${number})`);
    }
  }
}

/** Lets all epolls watch what they watched, under the same numbers. */
export function linkEpolls(entries: readonly FileEntry[], restore: FileRestore): void {
  const watches = entries.flatMap((entry) => (entry.epfd?.tfd ?? []).map((tfd) => watchOf(entry, tfd, restore)));
  const [fired, live] = [
    watches.filter(({ events }) => hasFired(events)),
    watches.filter(({ events }) => !hasFired(events)),
  ];
  addFired(fired, restore);
  apply(live, EPOLL_CTL.ADD, ({ events }) => events, restore);
}
