import { CrError } from "../error.ts";
import { FdTypes, type TtyInfoEntry, TtyType } from "../image/schema.gen.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { S_IFCHR, S_IFMT } from "../kernel/stat.ts";
import { ptyIndex, readTermios, realDevice } from "../kernel/tty.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import type { FileDump, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { lookInside, slaveClosed } from "./tty-queue.ts";
import { identify, infoId, readState, slaveDevice, slaveIndex, type TtyIdentity, ttyName } from "./tty-state.ts";

/** What a slave is called where ptys live. */
const DEVPTS_NAME = /\/\d+( \(deleted\))?$/;
/** The line discipline of terminals that people sit at. */
const N_TTY = 0;
/** Indices above this one in ids of the images are those of external terminals. */
const EXTERNAL_INDEX = 1012;

/** What a file is among terminals; undefined when it is none. */
export function identityOf(file: OpenFile): TtyIdentity | undefined {
  if ((file.stat.mode & S_IFMT) !== S_IFCHR || (file.flags & O.PATH) !== 0) return undefined;
  return identify(file.stat.rdev, masterIndex(file));
}

function masterIndex(file: OpenFile): number | undefined {
  if (file.info.ttyIndex !== undefined) return file.info.ttyIndex;
  const index = ptyIndex(file.dup);
  return index < 0 ? undefined : index;
}

/** Device numbers as programs write them, and as images of terminals keep them (makedev(3)). */
function userDevice(dev: number): number {
  const [major, minor] = [Math.floor(dev / 0x100000), dev % 0x100000];
  return (minor & 0xff) + major * 0x100 + Math.floor(minor / 0x100) * 0x100000;
}

/** What the tree's terminals have in common during one dump. */
class Terminals {
  readonly masters = new Set<number>();
  /** Slaves that the tree holds, as /dev/tty too. */
  readonly slaves = new Set<number>();
  /** File systems that ptys of one number lie on, as far as their ends tell: each numbers its own. */
  readonly instances = new Map<number, Set<number>>();
  /** First task that has a terminal as its controlling one, by the terminal's device. */
  readonly sessions = new Map<number, ProcStat>();
  /** Infos that are in the image already. */
  readonly saved = new Set<number>();
  /** Indices of terminals that are no ptys, by what each is. */
  readonly #indices = new Map<string, number>();
  #extra = EXTERNAL_INDEX;
  #hasLooked = false;

  constructor(readonly dump: FileDump) {
    for (const { file } of dump.held) {
      const tty = identityOf(file);
      if (tty?.isMaster) this.masters.add(tty.index);
      if (tty?.type === TtyType.PTY && file.fsType === FS.DEVPTS)
        this.instances.set(tty.index, (this.instances.get(tty.index) ?? new Set()).add(file.stat.dev));
      const slave = heldSlave(file);
      if (slave !== undefined) this.slaves.add(slave);
    }
    for (const pid of dump.pids) {
      using dir = new ProcDir(pid);
      const stat = parseStat(dir.text("stat"));
      if (stat.tty !== 0 && !this.sessions.has(stat.tty)) this.sessions.set(stat.tty, stat);
    }
  }

  /** Ends of ptys that lie in queues: asked for where one is missing. */
  #lookInQueues(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    this.dump.inQueues((file) => {
      const tty = identityOf(file);
      if (tty?.isMaster) this.masters.add(tty.index);
      const slave = heldSlave(file);
      if (slave !== undefined) this.slaves.add(slave);
    });
  }

  hasMaster(index: number): boolean {
    if (!this.masters.has(index)) this.#lookInQueues();
    return this.masters.has(index);
  }

  hasSlave(index: number): boolean {
    if (!this.slaves.has(index)) this.#lookInQueues();
    return this.slaves.has(index);
  }

  /** The name of a terminal that the user declared external. */
  externalName(file: OpenFile): string | undefined {
    const name = ttyName(userDevice(file.stat.rdev), userDevice(file.stat.dev));
    return this.dump.options.external.some(({ kind, id }) => kind === "tty" && `tty[${id}]` === name)
      ? name
      : undefined;
  }

  /** Is a slave, whatever it was opened as, declared external? */
  isExternal(index: number): boolean {
    const device = `${userDevice(slaveDevice(index)).toString(16)}:`;
    return this.dump.options.external.some(({ kind, id }) => kind === "tty" && id.startsWith(device));
  }

  /** The master is with somebody else, who has it still. */
  isForeign(file: OpenFile): boolean {
    const index = heldSlave(file);
    return (
      index !== undefined && readTermios(file.dup) !== undefined && !this.isExternal(index) && !this.hasMaster(index)
    );
  }

  /**
   * The number that a terminal's info has in the images. Ptys have their own, the first of each other kind has the kind's;
   * all others are numbered as they come.
   */
  indexOf(tty: TtyIdentity, file: OpenFile): number {
    if (tty.type === TtyType.PTY) return tty.index;
    const key = `${tty.type} ${file.stat.rdev} ${realDevice(file.dup) ?? "hung up"}`;
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const isFirst = tty.type !== TtyType.EXT_TTY && ![...this.#indices.values()].includes(tty.index);
    const index = isFirst ? tty.index : ++this.#extra;
    this.#indices.set(key, index);
    return index;
  }
}

const terminals = perRun((dump: FileDump) => new Terminals(dump));

/** The pty whose slave a file is; /dev/tty is one too, if that is the task's terminal. */
function heldSlave(file: OpenFile): number | undefined {
  const tty = identityOf(file);
  if (tty?.type === TtyType.PTY) return tty.isMaster ? undefined : tty.index;
  const device = tty?.type === TtyType.CTTY ? realDevice(file.dup) : undefined;
  return device === undefined ? undefined : slaveIndex(device);
}

/** What keeps a terminal from being dumped. */
export function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const all = terminals(dump);
  const discipline = ioctlInt(file.dup, TIOC.GETD);
  if (discipline > N_TTY)
    return new CrError("a terminal has a line discipline of its own, as PPP, SLIP and modem drivers set", {
      code: "UNSUPPORTED",
      subject: { pid: file.pid, fd: file.fd, path: file.link, discipline },
      remedy: "end the connection over that line before the dump",
    });
  const number = identityOf(file)?.index ?? -1;
  if ((all.instances.get(number)?.size ?? 0) > 1)
    return new CrError("two terminals of one number, in two places where ptys live", {
      code: "UNSUPPORTED",
      subject: { pid: file.pid, fd: file.fd, path: file.link, number },
      remedy: "close one of them before the dump",
    });
  const index = heldSlave(file);
  if (index === undefined) return undefined;
  if (identityOf(file)?.type === TtyType.PTY && all.masters.has(index) && !DEVPTS_NAME.test(file.link))
    return new CrError("a terminal is mounted over a file, and the tree has its master", {
      code: "UNSUPPORTED",
      subject: { pid: file.pid, fd: file.fd, path: file.link, terminal: index },
      remedy: "leave its master outside of the tree",
    });
  if (!all.isForeign(file)) return undefined;
  const subject = { pid: file.pid, fd: file.fd, path: file.link };
  // /dev/tty lies on another file system than the slave that it means
  const slave = dump.held.find((held) => identityOf(held.file)?.type === TtyType.PTY && heldSlave(held.file) === index);
  const name = ttyName(userDevice(slaveDevice(index)), userDevice((slave?.file ?? file).stat.dev));
  if (dump.options.orphanPtsMaster) return undefined;
  if (!dump.options.shellJob) {
    return new CrError("a terminal belongs to a program outside of the tree", {
      code: "SHELL_JOB",
      subject,
      remedy: `dump and restore with --shell-job to take the terminal of whoever restores, or with --external '${name}' and --inherit-fd 'fd[N]:${name}'`,
    });
  }
  const other = dump.held.find(({ file: one }) => (heldSlave(one) ?? index) < index && all.isForeign(one));
  if (other === undefined) return undefined;
  return new CrError("a shell job has more than one terminal from outside of the tree", {
    code: "SHELL_JOB",
    subject: { ...subject, other: `/dev/pts/${heldSlave(other.file)}` },
    remedy: `declare this one external: --external '${name}'`,
  });
}

export function dumpTty(file: OpenFile, dump: FileDump): void {
  const found = problem(file, dump);
  if (found) throw found;
  const all = terminals(dump);
  const known = identityOf(file);
  if (known === undefined)
    throw new CrError("a terminal of an unknown kind", { subject: { pid: file.pid, fd: file.fd, path: file.link } });
  const external = all.externalName(file);
  const kind = external === undefined ? known : { ...known, type: TtyType.EXT_TTY };
  const tty = { ...kind, index: all.indexOf(kind, file) };
  const id = infoId(tty);
  if (!all.saved.has(id)) {
    all.saved.add(id);
    const inside = tty.isMaster ? dumpInside(file, tty, all) : {};
    dump.images.append("TTY_INFO", [{ ...infoOf(file, tty, id, all), ...inside }]);
  }
  const entry = { id: file.id, tty_info_id: id, flags: file.flags, fown: file.fown };
  const path = external === undefined ? { regf_id: addPath(file, dump) } : {};
  dump.add({ type: FdTypes.TTY, id: file.id, tty: { ...entry, ...path } });
}

function infoOf(file: OpenFile, tty: TtyIdentity, id: number, all: Terminals): TtyInfoEntry {
  const { stat } = file;
  const device = tty.type === TtyType.PTY ? slaveDevice(tty.index) : (realDevice(file.dup) ?? stat.rdev);
  const session = all.sessions.get(device);
  const inTree = (pid: number) => (pid > 0 ? all.dump.virtualPid(pid) || pid : 0);
  const info: TtyInfoEntry = {
    id,
    type: tty.type,
    ...readState(file.dup),
    sid: inTree(session?.sid ?? 0),
    pgrp: inTree(session?.tpgid ?? 0),
    rdev: userDevice(stat.rdev),
    dev: userDevice(stat.dev),
    uid: stat.uid,
    gid: stat.gid,
  };
  if (tty.type === TtyType.PTY) info.pty = { index: tty.index };
  const index = tty.type === TtyType.CTTY && session === undefined ? slaveIndex(device) : undefined;
  if (index !== undefined) info.tscriu_pty = index;
  return info;
}

/** The path as it is: a terminal's node comes and goes with the terminal, it is never a deleted file to carry along. */
function addPath(file: OpenFile, dump: FileDump): number {
  const id = dump.nextId();
  const name = file.link.replace(/ \(deleted\)$/, "");
  const { flags, fown, stat } = file;
  const mnt_id = dump.mountId(file.mntId);
  const reg = { id, flags, pos: 0, fown, name, mnt_id, mode: stat.mode, build_id: [] };
  dump.add({ type: FdTypes.REG, id, reg });
  return id;
}

/** Saves what is queued in a pty, and tells what else its master's info has to hold. */
function dumpInside(
  file: OpenFile,
  tty: TtyIdentity,
  all: Terminals,
): Pick<TtyInfoEntry, "tscriu_stopped" | "tscriu_closed" | "tscriu_status"> {
  const subject = { pid: file.pid, fd: file.fd, path: `/dev/pts/${tty.index}` };
  const closed = slaveClosed(file.dup);
  const { toMaster, toSlave, stopped, status } = lookInside(file.dup, all.hasSlave(tty.index), subject);
  const { images } = all.dump;
  if (toMaster.length > 0) images.append("TTY_DATA", [{ tty_id: infoId(tty), data: toMaster, tscriu_lines: [] }]);
  const { data, lines } = toSlave;
  if (data.length + lines.length > 0)
    images.append("TTY_DATA", [{ tty_id: infoId({ ...tty, isMaster: false }), data, tscriu_lines: [...lines] }]);
  return {
    ...(stopped && { tscriu_stopped: stopped }),
    ...(closed && { tscriu_closed: true }),
    ...(status !== 0 && { tscriu_status: status }),
  };
}
