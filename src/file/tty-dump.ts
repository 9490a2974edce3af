import { CrError } from "../error.ts";
import { FdTypes, type TtyInfoEntry, TtyType } from "../image/schema.gen.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { S_IFCHR, S_IFMT } from "../kernel/stat.ts";
import { ptyIndex, readTermios } from "../kernel/tty.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { readQueues } from "./tty-queue.ts";
import { identify, infoId, readState, slaveDevice, type TtyIdentity } from "./tty-state.ts";

/** Index of the first external terminal in ids of the images. */
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

/** How `--external` and `--inherit-fd` name a terminal. */
export function ttyName(rdev: number, dev: number): string {
  return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
}

/** What the tree's terminals have in common during one dump. */
class Terminals {
  readonly masters = new Set<number>();
  readonly slaves = new Set<number>();
  /** First task that has a terminal as its controlling one, by the terminal's device. */
  readonly sessions = new Map<number, ProcStat>();
  /** Infos that are in the image already. */
  readonly saved = new Set<number>();
  readonly #external = new Map<string, number>();

  constructor(readonly dump: FileDump) {
    for (const { file } of dump.held) {
      const tty = identityOf(file);
      if (tty?.type === TtyType.PTY) (tty.isMaster ? this.masters : this.slaves).add(tty.index);
    }
    for (const pid of dump.pids) {
      using dir = new ProcDir(pid);
      const stat = parseStat(dir.text("stat"));
      if (stat.tty !== 0 && !this.sessions.has(stat.tty)) this.sessions.set(stat.tty, stat);
    }
  }

  /** The name of a terminal that the user declared external. */
  externalName(file: OpenFile): string | undefined {
    const name = ttyName(userDevice(file.stat.rdev), userDevice(file.stat.dev));
    return this.dump.options.external.some(({ kind, id }) => kind === "tty" && `tty[${id}]` === name)
      ? name
      : undefined;
  }

  /** External terminals are numbered as they come. */
  externalIndex(name: string): number {
    const known = this.#external.get(name);
    if (known !== undefined) return known;
    const index = EXTERNAL_INDEX + 1 + this.#external.size;
    this.#external.set(name, index);
    return index;
  }
}

const terminals = perRun((dump: FileDump) => new Terminals(dump));

function isForeign(tty: TtyIdentity, file: OpenFile, all: Terminals): boolean {
  const isSlave = tty.type === TtyType.PTY && !tty.isMaster;
  return (
    isSlave &&
    !all.masters.has(tty.index) &&
    readTermios(file.dup) !== undefined &&
    all.externalName(file) === undefined
  );
}

/** What keeps a terminal from being dumped. */
export function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const tty = identityOf(file);
  const all = terminals(dump);
  if (tty === undefined || !isForeign(tty, file, all)) return undefined;
  const subject = { pid: file.pid, fd: file.fd, path: file.link };
  const name = ttyName(userDevice(file.stat.rdev), userDevice(file.stat.dev));
  if (!dump.options.shellJob) {
    return new CrError("a terminal belongs to a program outside of the tree", {
      code: "SHELL_JOB",
      subject,
      remedy: `dump and restore with --shell-job to take the terminal of whoever restores, or with --external '${name}' and --inherit-fd 'fd[N]:${name}'`,
    });
  }
  const other = [...all.slaves].find(
    (index) => index < tty.index && !all.masters.has(index) && isHeldForeign(index, dump, all),
  );
  if (other === undefined) return undefined;
  return new CrError("a shell job has more than one terminal from outside of the tree", {
    code: "SHELL_JOB",
    subject: { ...subject, other: `/dev/pts/${other}` },
    remedy: `declare this one external: --external '${name}'`,
  });
}

function isHeldForeign(index: number, dump: FileDump, all: Terminals): boolean {
  return dump.held.some(({ file }) => {
    const tty = identityOf(file);
    return tty !== undefined && tty.index === index && isForeign(tty, file, all);
  });
}

export function dumpTty(file: OpenFile, dump: FileDump): void {
  const found = problem(file, dump);
  if (found) throw found;
  const all = terminals(dump);
  let tty = identityOf(file);
  if (tty === undefined)
    throw new CrError("a terminal of an unknown kind", { subject: { pid: file.pid, fd: file.fd, path: file.link } });
  const external = all.externalName(file);
  if (external !== undefined) tty = { type: TtyType.EXT_TTY, index: all.externalIndex(external), isMaster: false };
  const id = infoId(tty);
  if (!all.saved.has(id)) {
    all.saved.add(id);
    dump.images.append("TTY_INFO", [infoOf(file, tty, id, all)]);
    if (tty.isMaster) dumpQueues(file, tty, all);
  }
  const entry = { id: file.id, tty_info_id: id, flags: file.flags, fown: file.fown };
  const path = external === undefined ? { regf_id: addPath(file, dump) } : {};
  dump.add({ type: FdTypes.TTY, id: file.id, tty: { ...entry, ...path } });
}

function infoOf(file: OpenFile, tty: TtyIdentity, id: number, all: Terminals): TtyInfoEntry {
  const { stat } = file;
  const device = tty.type === TtyType.PTY ? slaveDevice(tty.index) : stat.rdev;
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
  return info;
}

/** The path as it is: a terminal's node comes and goes with the terminal, it is never a deleted file to carry along. */
function addPath(file: OpenFile, dump: FileDump): number {
  const id = dump.nextId();
  const name = file.link.replace(/ \(deleted\)$/, "");
  const reg = { id, flags: file.flags, pos: 0, fown: file.fown, name, mode: file.stat.mode, build_id: [] };
  dump.add({ type: FdTypes.REG, id, reg });
  return id;
}

function dumpQueues(file: OpenFile, tty: TtyIdentity, all: Terminals): void {
  const subject = { pid: file.pid, fd: file.fd, path: `/dev/pts/${tty.index}` };
  const { toMaster, toSlave } = readQueues(file.dup, all.slaves.has(tty.index), subject);
  const { images } = all.dump;
  if (toMaster.length > 0) images.append("TTY_DATA", [{ tty_id: infoId(tty), data: toMaster }]);
  if (toSlave.length > 0) images.append("TTY_DATA", [{ tty_id: infoId({ ...tty, isMaster: false }), data: toSlave }]);
}
