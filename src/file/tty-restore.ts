import type { Program, Result } from "../agent/program.ts";
import { CrError, type Subject } from "../error.ts";
import { type TtyDataEntry, type TtyFileEntry, type TtyInfoEntry, TtyType } from "../image/schema.gen.ts";
import { closeFd, dupFd, openPath, reopen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { check, must, sys } from "../kernel/sys.ts";
import { openMaster, tryOpenSlave, trySetTtyNumber } from "../kernel/tty.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import type { FileRestore, RestoredTask } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { type PtyInside, stoppedOf } from "./tty-inside.ts";
import { makeMaster, OPEN_FLAGS, openSlave } from "./tty-open.ts";
import { givenTerminal } from "./tty-precheck.ts";
import { writeInside } from "./tty-queue.ts";
import { hasOurSession, isForeground, type SessionTerminal, takeTerminal } from "./tty-session.ts";
import { applyFlags, applyModes, applySize, infoId, MAX_PTYS } from "./tty-state.ts";

/** A pty as the images show it: its ends, each with its descriptions. */
interface Pty {
  readonly index: number;
  readonly masters: TtyFileEntry[];
  readonly slaves: TtyFileEntry[];
  master: TtyInfoEntry | undefined;
  slave: TtyInfoEntry | undefined;
}

/** All terminals of one restore. */
class Terminals {
  readonly #infos = new Map<number, TtyInfoEntry>();
  readonly #ptys = new Map<number, Pty>();
  readonly #others: TtyFileEntry[] = [];
  readonly #queues = new Map<number, TtyDataEntry>();
  readonly #opened = new Set<number>();
  /** A description of each terminal that is open, for its session; ours. */
  readonly #lines = new Map<TtyInfoEntry, number>();
  /** What of the images our own terminal stands for. */
  #ours: TtyInfoEntry | undefined;
  #foreground: number | undefined;
  /** Groups of the tree in the foreground of terminals that were given to it: those show something else, in their own size. */
  readonly elsewhere: number[] = [];
  #hasSessions = false;

  constructor(readonly restore: FileRestore) {
    for (const info of restore.images.read("TTY_INFO")) this.#infos.set(info.id, info);
    for (const queue of restore.images.read("TTY_DATA")) this.#queues.set(queue.tty_id, queue);
    for (const { tty } of restore.entries.values()) if (tty) this.#sort(tty);
    restore.atEnd(() => {
      for (const fd of this.#lines.values()) closeFd(fd);
      this.#lines.clear();
    });
  }

  #info(entry: TtyFileEntry): TtyInfoEntry {
    const info = this.#infos.get(entry.tty_info_id);
    if (info) return info;
    throw new CrError("a terminal without its state", {
      code: "BAD_IMAGE",
      subject: { image: "tty-info.img", file: entry.id },
    });
  }

  #sort(entry: TtyFileEntry): void {
    const info = this.#info(entry);
    if (info.type !== TtyType.PTY || info.pty === undefined) {
      this.#others.push(entry);
      return;
    }
    const { index } = info.pty;
    if (index >= MAX_PTYS)
      throw new CrError("a terminal has an impossible number", {
        code: "BAD_IMAGE",
        subject: { image: "tty-info.img", index },
      });
    const pty: Pty = this.#ptys.get(index) ?? { index, masters: [], slaves: [], master: undefined, slave: undefined };
    this.#ptys.set(index, pty);
    const isMaster = info.id % 2 === 1;
    (isMaster ? pty.masters : pty.slaves).push(entry);
    if (isMaster) pty.master = info;
    else pty.slave = info;
  }

  open(entry: TtyFileEntry): void {
    const info = this.#info(entry);
    if (this.#opened.has(entry.id)) return;
    const given = this.#given(info);
    const pty = info.pty && this.#ptys.get(info.pty.index);
    if (given !== undefined) this.#put(entry, this.#line(info, dupFd(given)));
    else if (info.type === TtyType.CTTY) this.#openControlling(entry);
    else if (info.type !== TtyType.PTY || pty === undefined) this.#openPlain(entry, info);
    else if (pty.masters.length > 0) this.#openPty(pty);
    else if (info.termios === undefined) this.#openHungUp(pty);
    else if (this.restore.options.orphanPtsMaster) this.#openOrphan(pty, info);
    else this.#openOurs(pty, info);
  }

  #given(info: TtyInfoEntry): number | undefined {
    return givenTerminal(info, this.restore.options.inheritFds);
  }

  #put(entry: TtyFileEntry, fd: number): void {
    this.#opened.add(entry.id);
    this.restore.put(entry.id, fd);
    this.restore.applyFown(fd, entry.fown, entry.flags);
  }

  /** Remembers a description of a terminal for `sessions`. */
  #line(info: TtyInfoEntry, fd: number): number {
    if (!this.#lines.has(info)) this.#lines.set(info, dupFd(fd));
    return fd;
  }

  /** A new pty with the number of the old one. */
  #openPty(pty: Pty): void {
    const subject = { path: `/dev/pts/${pty.index}` };
    const [first, ...more] = pty.masters;
    if (first === undefined || pty.master === undefined) return;
    const master = makeMaster(pty.index, first.flags, subject, this.#openPtmx(first));
    this.#put(first, master);
    for (const entry of more) this.#put(entry, dupFd(master));
    trySetTtyNumber(master, TIOC.SPTLCK, 0);
    const info = pty.slave ?? pty.master;
    check(applyModes(master, info), "cannot set the modes of a terminal", subject);
    check(applySize(master, pty.master), "cannot set the size of a terminal", subject);
    // a slave that nobody has opened yet is not to be closed already
    if (pty.slaves.length > 0 || pty.master.tscriu_closed || info.sid !== 0)
      this.#openSlaves(pty, info, master, subject);
  }

  /** The multiplexer whose ptys lie where those of the tree lay. */
  #openPtmx(entry: TtyFileEntry | undefined): (flags: number) => number {
    const reg = this.restore.entries.get(entry?.regf_id ?? -1)?.reg;
    const ground = this.restore.groundOf(reg?.mnt_id);
    const path = reg !== undefined && /\/ptmx$/.test(reg.name) ? reg.name : "/dev/ptmx";
    return (flags) => check(ground.open(path, flags), "cannot make a terminal", { path });
  }

  #openSlaves(pty: Pty, info: TtyInfoEntry, master: number, subject: Subject): void {
    const slave = check(tryOpenSlave(master, O.RDWR | O.NONBLOCK), "cannot open the slave of a pty", subject);
    this.#line(info, slave);
    try {
      for (const entry of pty.slaves) this.#put(entry, openSlave(master, entry, subject));
      this.#applyOwner(slave, pty, subject);
      writeInside(master, slave, this.#insideOf(pty), subject);
    } finally {
      closeFd(slave);
    }
  }

  #insideOf({ index, master }: Pty): PtyInside {
    const queue = (isMaster: boolean) => this.#queues.get(infoId({ type: TtyType.PTY, index, isMaster }));
    const typed = queue(false);
    return {
      toMaster: queue(true)?.data ?? new Uint8Array(0),
      toSlave: { data: typed?.data ?? new Uint8Array(0), lines: typed?.tscriu_lines ?? [] },
      stopped: stoppedOf(master?.tscriu_stopped),
      status: master?.packet_mode ? (master.tscriu_status ?? 0) : 0,
    };
  }

  /** Owner and mode of a slave. */
  #applyOwner(slave: number, { slave: info, slaves: [entry] }: Pty, subject: Subject): void {
    if (info === undefined || entry === undefined) return;
    must(NR.fchown, [slave, info.uid ?? 0, info.gid ?? 0], "cannot set the owner of a terminal", subject);
    const mode = this.restore.entries.get(entry.regf_id ?? -1)?.reg?.mode;
    if (mode !== undefined) must(NR.fchmod, [slave, mode & 0o7777], "cannot set the mode of a terminal", subject);
  }

  /** Slaves whose master was closed: nothing works on them any more but close(2). */
  #openHungUp(pty: Pty): void {
    const subject = { path: `/dev/pts/${pty.index}` };
    const master = makeMaster(pty.index, O.RDWR, subject, this.#openPtmx(pty.slaves[0]));
    try {
      trySetTtyNumber(master, TIOC.SPTLCK, 0);
      for (const entry of pty.slaves) this.#put(entry, openSlave(master, entry, subject));
    } finally {
      closeFd(master);
    }
  }

  /** Slaves whose master was outside of the tree: a client takes over the new one. */
  #openOrphan(pty: Pty, info: TtyInfoEntry): void {
    const subject = { path: `/dev/pts/${pty.index}` };
    // who had the master may have it still: then the number is another one
    const open = this.#openPtmx(pty.slaves[0]);
    const master = openMaster(pty.index, O.RDWR, open) ?? open(O.RDWR | O.NOCTTY);
    try {
      trySetTtyNumber(master, TIOC.SPTLCK, 0);
      check(applyModes(master, info), "cannot set the modes of a terminal", subject);
      check(applySize(master, info), "cannot set the size of a terminal", subject);
      this.#openSlaves(pty, info, master, subject);
      if (this.restore.options.hook("orphan-pts-master", undefined, master) !== 0)
        throw new CrError("nobody takes over the master of a terminal", { code: "SCRIPT", subject });
    } finally {
      closeFd(master);
    }
  }

  /** The terminal of a shell job: ours stands for it. */
  #openOurs(pty: Pty, info: TtyInfoEntry): void {
    const subject = { path: `/dev/pts/${pty.index}` };
    this.#ours = info;
    for (const entry of pty.slaves) {
      const fd = reopen(0, (entry.flags & OPEN_FLAGS) | O.NOCTTY, "cannot open our terminal anew", subject);
      this.#put(entry, this.#line(info, fd));
    }
    check(applyModes(0, info), "cannot set the modes of our terminal", subject);
  }

  /** A console, a virtual terminal or a serial line: there by its path. */
  #openPlain(entry: TtyFileEntry, info: TtyInfoEntry): void {
    const reg = this.restore.entries.get(entry.regf_id ?? -1)?.reg;
    if (reg === undefined)
      throw new CrError("a terminal without its path", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const path = reg.name;
    const opened = this.restore.groundOf(reg.mnt_id).open(path, (entry.flags & (OPEN_FLAGS | O.NOFOLLOW)) | O.NOCTTY);
    const fd = check(opened, "cannot open a terminal", { path });
    this.#put(entry, this.#line(info, fd));
    check(applyModes(fd, info), "cannot set the modes of a terminal", { path });
  }

  /** /dev/tty means another terminal in every session: a task that holds it opens it. */
  #openControlling(entry: TtyFileEntry): void {
    for (const other of [...this.#ptys.values()].flatMap((pty) => [...pty.masters, ...pty.slaves])) this.open(other);
    for (const other of this.#others) if (this.#info(other).type !== TtyType.CTTY) this.open(other);
    this.sessions();
    const info = this.#info(entry);
    const { sid } = info;
    const pty = this.#ptys.get(info.tscriu_pty ?? -1);
    if (pty !== undefined || info.termios === undefined) {
      this.#put(entry, this.#openLeft(pty, entry));
      return;
    }
    const { tasks } = this.restore;
    const task =
      tasks.find(({ pid }) => pid === sid) ??
      tasks.find(({ tree }) => tree.sid === sid) ??
      this.restore.holders(entry.id)[0]?.task;
    if (task === undefined) {
      this.#put(
        entry,
        openPath("/dev/tty", (entry.flags & OPEN_FLAGS) | O.NOCTTY, "cannot open the controlling terminal"),
      );
      return;
    }
    let opened: { program: Program; result: Result } | undefined;
    task.run((program) => {
      const path = program.text("/dev/tty");
      const args = [AT.FDCWD, path, (entry.flags & OPEN_FLAGS) | O.NOCTTY, 0];
      opened = {
        program,
        result: program.call(NR.openat, args, { what: "cannot open the controlling terminal of a task" }),
      };
    });
    const number = opened?.program.result(opened.result) ?? -1;
    const pidfd = pidfdOpen(task.hostPid);
    try {
      this.#put(entry, pidfdGetfd(pidfd, number));
    } finally {
      closeFd(pidfd);
    }
    task.run((program) => void program.call(NR.close, [number]));
  }

  /** /dev/tty of a terminal that nobody controls any more, or that is hung up: it has no such name now. */
  #openLeft(pty: Pty | undefined, entry: TtyFileEntry): number {
    const [known] = pty?.masters ?? [];
    const master = known
      ? dupFd(this.restore.descriptor(known.id))
      : openPath("/dev/ptmx", O.RDWR | O.NOCTTY, "cannot make a terminal");
    try {
      if (!known) trySetTtyNumber(master, TIOC.SPTLCK, 0);
      return openSlave(master, entry, { file: entry.id });
    } finally {
      closeFd(master);
    }
  }

  /**
   * Our description of the terminal that a session controls: those that the leader forks later inherit the terminal, and in no
   * other way can they get it.
   */
  ofSession(sid: number): SessionTerminal | undefined {
    for (const { tty } of this.restore.entries.values()) {
      if (tty === undefined) continue;
      const info = this.#info(tty);
      if (info.sid === sid && info.type !== TtyType.CTTY) this.restore.descriptor(tty.id);
    }
    const [info, fd] = [...this.#lines].find(([one]) => one.sid === sid) ?? [];
    if (info === undefined || fd === undefined) return undefined;
    return { fd, steal: hasOurSession(fd) };
  }

  /** Gives every session of the tree its controlling terminal and that its foreground group. */
  sessions(): void {
    if (this.#hasSessions) return;
    this.#hasSessions = true;
    for (const [info, fd] of this.#lines) {
      const leader = this.restore.tasks.find((task) => task.pid === info.sid);
      if (info.sid !== 0 && leader) takeTerminal(leader, fd, info);
      if (info === this.#ours) this.#bringToForeground(info, leader);
      const member = this.restore.tasks.find((task) => task.tree.pgid === info.pgrp);
      if (member && this.#given(info) !== undefined) this.elsewhere.push(sys(NR.getpgid, member.hostPid));
    }
  }

  /** Where we are in the foreground of our terminal, the tree is from now on: we only wait for it. */
  #bringToForeground({ pgrp }: TtyInfoEntry, leader: RestoredTask | undefined): void {
    const { tasks } = this.restore;
    const root = tasks.find((task) => task.tree.ppid === 0);
    const member = tasks.find((task) => task.tree.pgid === pgrp) ?? (leader ? undefined : root);
    if (member === undefined || (leader === undefined && !isForeground())) return;
    // the root's group may be ours: the shell that waits for us stops and continues both
    const group = sys(NR.getpgid, member.hostPid);
    this.#foreground = group;
    if (leader === undefined)
      check(trySetTtyNumber(0, TIOC.SPGRP, group), "cannot bring the tree to the foreground of our terminal", {
        group,
      });
  }

  /** The group of the tree that is in the foreground of our terminal, as we see it. */
  get foreground(): number | undefined {
    return this.#foreground;
  }

  /** Packet mode, locks: what would have been in the way before. */
  finish(): void {
    for (const pty of this.#ptys.values()) {
      for (const [info, list] of [
        [pty.master, pty.masters],
        [pty.slave, pty.slaves],
      ] as const) {
        const entry = list[0];
        if (info && entry && info.termios !== undefined) applyFlags(this.restore.descriptor(entry.id), info);
      }
    }
  }
}

export const restoredTerminals = perRun((restore: FileRestore) => new Terminals(restore));
