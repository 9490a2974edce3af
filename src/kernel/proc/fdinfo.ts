import { CrError } from "../../error.ts";
import { decimalU64, hexU64, type U64 } from "../u64.ts";
import { type FileLock, parseLock } from "./locks.ts";
import type { ProcDir } from "./read.ts";

/** A file handle as name_to_handle_at(2) gives it. */
export interface FileHandle {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface EpollTarget {
  /** The descriptor number that it was added under; it may mean another file by now. */
  readonly tfd: number;
  /** EPOLL* bits. */
  readonly events: number;
  readonly data: U64;
  readonly pos: number;
  readonly ino: number;
  readonly sdev: number;
}

export interface TimeSpec {
  readonly sec: number;
  readonly nsec: number;
}

export interface TimerFdInfo {
  readonly clockid: number;
  readonly ticks: U64;
  /** TFD_TIMER_* of the last settime. */
  readonly settimeFlags: number;
  /** Time until it expires, or zero. */
  readonly value: TimeSpec;
  readonly interval: TimeSpec;
}

export interface InotifyWatch {
  readonly wd: number;
  readonly ino: number;
  readonly sdev: number;
  readonly mask: number;
  readonly ignoredMask: number;
  /** Absent where the file system makes no handles. */
  readonly handle: FileHandle | undefined;
}

export interface FanotifyMark {
  readonly kind: "inode" | "mount" | "filesystem" | "mntns";
  readonly ino: number;
  readonly sdev: number;
  readonly mntId: number;
  readonly mflags: number;
  readonly mask: number;
  readonly ignoredMask: number;
  readonly handle: FileHandle | undefined;
}

/** /proc/PID/fdinfo/N, by proc_pid_fdinfo(5). What does not belong to the kind of file is undefined. */
export interface FdInfo {
  /** Bytes. */
  readonly pos: number;
  /** O_* of the description, and O_CLOEXEC of the descriptor. */
  readonly flags: number;
  readonly mntId: number;
  /** Linux 5.14 on. */
  readonly ino?: number;
  readonly eventfd?: { readonly count: U64; readonly id: number | undefined; readonly semaphore: boolean | undefined };
  readonly epoll?: readonly EpollTarget[];
  /** Signals that a signalfd accepts; signal N is bit N - 1. */
  readonly signalfd?: bigint;
  readonly timerfd?: TimerFdInfo;
  readonly inotify?: readonly InotifyWatch[];
  readonly fanotify?: { readonly flags: number; readonly eventFlags: number; readonly marks: readonly FanotifyMark[] };
  /** POSIX, OFD and flock locks and leases that were set through this very description (and process). */
  readonly locks: readonly FileLock[];
  /** `pid` is -1 for a reaped process, 0 when this pid namespace cannot see it. */
  readonly pidfd?: { readonly pid: number; readonly nspid: readonly number[] };
  /** Number of the terminal of a pty master. */
  readonly ttyIndex?: number;
  /** Descriptors in flight in a unix socket's queue. */
  readonly scmFds?: number;
  /** The text as it was. */
  readonly raw: string;
}

type Draft = { -readonly [Key in keyof FdInfo]: FdInfo[Key] };

interface State {
  readonly info: Draft;
  readonly locks: FileLock[];
  readonly epoll: EpollTarget[];
  readonly inotify: InotifyWatch[];
  readonly marks: FanotifyMark[];
  fanotify: { flags: number; eventFlags: number } | undefined;
  eventfd: { count: U64; id: number | undefined; semaphore: boolean | undefined } | undefined;
  timerfd: { clockid: number; ticks: U64; settimeFlags: number; value: TimeSpec; interval: TimeSpec } | undefined;
}

/** `name:value name:value`; blanks may follow a colon. */
function pairs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/([\w-]+):\s*(\S+)/g)) found.set(match[1] ?? "", match[2] ?? "");
  return found;
}

function hexOf(fields: Map<string, string>, name: string): number {
  return Number.parseInt(fields.get(name) ?? "0", 16);
}

function handleOf(fields: Map<string, string>): FileHandle | undefined {
  const hex = fields.get("f_handle");
  if (hex === undefined) return undefined;
  return { type: hexOf(fields, "fhandle-type"), bytes: new Uint8Array(Buffer.from(hex, "hex")) };
}

/** `(1, 500)`: seconds and nanoseconds. */
function timeOf(text: string): TimeSpec {
  const [sec = "0", nsec = "0"] = text.replace(/[()\s]/g, "").split(",");
  return { sec: Number(sec), nsec: Number(nsec) };
}

function eventfdOf(state: State): { count: U64; id: number | undefined; semaphore: boolean | undefined } {
  state.eventfd ??= { count: 0, id: undefined, semaphore: undefined };
  return state.eventfd;
}

function timerfdOf(state: State): NonNullable<State["timerfd"]> {
  const never = { sec: 0, nsec: 0 };
  state.timerfd ??= { clockid: 0, ticks: 0, settimeFlags: 0, value: never, interval: never };
  return state.timerfd;
}

function addMark(state: State, kind: FanotifyMark["kind"], text: string): void {
  const fields = pairs(text);
  state.marks.push({
    kind,
    ino: hexOf(fields, "ino"),
    sdev: hexOf(fields, "sdev"),
    mntId: hexOf(fields, "mnt_id"),
    mflags: hexOf(fields, "mflags"),
    mask: hexOf(fields, "mask"),
    ignoredMask: hexOf(fields, "ignored_mask"),
    handle: handleOf(fields),
  });
}

/** What a line tells, by the word before its colon; the second argument is what follows it, trimmed. */
const LINES: Readonly<Record<string, (state: State, value: string) => void>> = {
  pos(state, value) {
    state.info.pos = Number(value);
  },
  flags(state, value) {
    state.info.flags = Number.parseInt(value, 8);
  },
  mnt_id(state, value) {
    state.info.mntId = Number(value);
  },
  ino(state, value) {
    state.info.ino = Number(value);
  },
  lock(state, value) {
    state.locks.push(parseLock(value));
  },
  "eventfd-count"(state, value) {
    eventfdOf(state).count = hexU64(value);
  },
  "eventfd-id"(state, value) {
    eventfdOf(state).id = Number(value);
  },
  "eventfd-semaphore"(state, value) {
    eventfdOf(state).semaphore = value === "1";
  },
  tfd(state, value) {
    const fields = pairs(`tfd:${value}`);
    state.epoll.push({
      tfd: Number(fields.get("tfd")),
      events: hexOf(fields, "events"),
      data: hexU64(fields.get("data") ?? "0"),
      pos: Number(fields.get("pos") ?? 0),
      ino: hexOf(fields, "ino"),
      sdev: hexOf(fields, "sdev"),
    });
  },
  sigmask(state, value) {
    state.info.signalfd = BigInt(`0x${value}`);
  },
  clockid(state, value) {
    timerfdOf(state).clockid = Number(value);
  },
  ticks(state, value) {
    timerfdOf(state).ticks = decimalU64(value);
  },
  "settime flags"(state, value) {
    timerfdOf(state).settimeFlags = Number.parseInt(value, 8);
  },
  it_value(state, value) {
    timerfdOf(state).value = timeOf(value);
  },
  it_interval(state, value) {
    timerfdOf(state).interval = timeOf(value);
  },
  "inotify wd"(state, value) {
    const fields = pairs(`wd:${value}`);
    state.inotify.push({
      wd: hexOf(fields, "wd"),
      ino: hexOf(fields, "ino"),
      sdev: hexOf(fields, "sdev"),
      mask: hexOf(fields, "mask"),
      ignoredMask: hexOf(fields, "ignored_mask"),
      handle: handleOf(fields),
    });
  },
  "fanotify flags"(state, value) {
    const fields = pairs(`flags:${value}`);
    state.fanotify = { flags: hexOf(fields, "flags"), eventFlags: hexOf(fields, "event-flags") };
  },
  "fanotify ino": (state, value) => addMark(state, "inode", `ino:${value}`),
  "fanotify mnt_id": (state, value) => addMark(state, "mount", `mnt_id:${value}`),
  "fanotify sdev": (state, value) => addMark(state, "filesystem", `sdev:${value}`),
  "fanotify mnt_ns": (state, value) => addMark(state, "mntns", `mnt_ns:${value}`),
  Pid(state, value) {
    state.info.pidfd = { pid: Number(value), nspid: [] };
  },
  NSpid(state, value) {
    const nspid = value.split(/\s+/).filter(Boolean).map(Number);
    state.info.pidfd = { pid: state.info.pidfd?.pid ?? 0, nspid };
  },
  "tty-index"(state, value) {
    state.info.ttyIndex = Number(value);
  },
  scm_fds(state, value) {
    state.info.scmFds = Number(value);
  },
};

const HANDLERS = new Map(Object.entries(LINES));

/**
 * Reads the text of a fdinfo file, of whatever kind of descriptor. Lines of unknown kinds stay in `raw`.
 * An epoll or inotify descriptor without targets has no lines of its own: its list is then undefined.
 * @throws CrError BAD_PROC when even position and flags are missing
 */
export function parseFdInfo(raw: string): FdInfo {
  const info: Draft = { pos: 0, flags: -1, mntId: -1, locks: [], raw };
  const state: State = {
    info,
    locks: [],
    epoll: [],
    inotify: [],
    marks: [],
    fanotify: undefined,
    eventfd: undefined,
    timerfd: undefined,
  };
  for (const line of raw.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) HANDLERS.get(line.slice(0, colon))?.(state, line.slice(colon + 1).trim());
  }
  if (info.flags < 0) throw new CrError("a fdinfo without flags", { code: "BAD_PROC" });
  info.locks = state.locks;
  if (state.epoll.length > 0) info.epoll = state.epoll;
  if (state.inotify.length > 0) info.inotify = state.inotify;
  if (state.fanotify) info.fanotify = { ...state.fanotify, marks: state.marks };
  if (state.eventfd) info.eventfd = state.eventfd;
  if (state.timerfd) info.timerfd = state.timerfd;
  return info;
}

/** The value of any one line: `map_type` of a BPF map. */
export function fdInfoLine(info: FdInfo, name: string): string | undefined {
  const line = info.raw.split("\n").find((text) => text.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

/** State of descriptor `fd` of a process. */
export function readFdInfo(dir: ProcDir, fd: number): FdInfo {
  try {
    return parseFdInfo(dir.text(`fdinfo/${fd}`));
  } catch (cause) {
    if (cause instanceof CrError && cause.code === "BAD_PROC") {
      throw new CrError("cannot understand a descriptor's state", { subject: { pid: dir.pid, fd }, cause });
    }
    throw cause;
  }
}
