/** What a process is besides memory, descriptors and threads, by /proc and prctl(2). */
import { AREA } from "../agent/layout.ts";
import { type Arg, Data, type Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { TaskCoreEntry, TscriuPrctl } from "../image/schema.gen.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { type ProcDir, readProcFile, tryReadProcFile } from "../kernel/proc/read.ts";
import type { ProcStat } from "../kernel/proc/stat.ts";
import { addressOf, check, sys, sysError } from "../kernel/sys.ts";
import { ARCH, PR, PR_THP_DISABLE } from "../kernel/uapi/prctl.ts";

const MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
/** A process may be dumped by root only; prctl does not set it. */
const SUID_DUMP_ROOT = 2;
const MADV_DONTNEED = 4;
/** mlockall(2). */
const MCL = { FUTURE: 2, ONFAULT: 4 } as const;
/** Anonymous private and shared memory, ELF headers, huge pages: what a process starts with. */
export const DEFAULT_COREDUMP_FILTER = 0x33;
/** loginuid of a process that nobody logged in for. */
const NO_LOGIN = 0xffff_ffff;
const EPERM = -1;
const EINVAL = -22;

/** Further state of the whole process, 0 by default, each got by one prctl and set by another. */
const PRCTLS = [
  { get: PR.GET_MDWE, set: PR.SET_MDWE },
  { get: PR.GET_MEMORY_MERGE, set: PR.SET_MEMORY_MERGE },
  ...(process.arch === "arm64" ? [{ get: PR.GET_TAGGED_ADDR_CTRL, set: PR.SET_TAGGED_ADDR_CTRL }] : []),
];

/** Components that a process has to ask for (XFEATURE_MASK_USER_DYNAMIC): the tiles of AMX. */
const ASKED_FOR = 1n << 18n;

type Outside = Pick<
  TaskCoreEntry,
  | "personality"
  | "flags"
  | "comm"
  | "loginuid"
  | "oom_score_adj"
  | "tscriu_autogroup"
  | "tscriu_coredump_filter"
  | "tscriu_exit_signal"
>;

/** What a process sends its parent at its end unless it was cloned otherwise. */
export const SIGCHLD = 17;

/** What /proc tells of a process. Read `stat` before anything runs in the task: its flags would show our traces. */
export function readProcess(dir: ProcDir, stat: ProcStat): Outside {
  const found: Outside = {
    personality: Number.parseInt(dir.text("personality"), 16),
    flags: stat.flags,
    comm: stat.comm,
    oom_score_adj: Number(dir.text("oom_score_adj")),
  };
  if (stat.exitSignal !== SIGCHLD) found.tscriu_exit_signal = stat.exitSignal;
  // a kernel without audit has no login ids
  const loginuid = dir.optional("loginuid");
  if (loginuid !== undefined) found.loginuid = Number(loginuid);
  const nice = stat.sid === dir.pid ? readAutogroup(dir) : 0;
  if (nice !== 0) found.tscriu_autogroup = nice;
  const filter = dir.optional("coredump_filter")?.trim();
  if (filter && Number.parseInt(filter, 16) !== DEFAULT_COREDUMP_FILTER)
    found.tscriu_coredump_filter = Number.parseInt(filter, 16);
  return found;
}

/** The nice value of a process's session among all others (sched(7), autogroups); 0 where the kernel groups nothing. */
function readAutogroup(dir: ProcDir): number {
  return Number(/ nice (-?\d+)/.exec(dir.optional("autogroup") ?? "")?.[1] ?? 0);
}

/** What only the process itself can tell; ask its leader. */
export interface ProcessInside {
  childSubreaper: boolean;
  /** Bits of MEMBARRIER_CMD_REGISTER_*; 0 where the kernel does not tell (before 6.3). */
  membarrier: number;
  /** For mm_entry. */
  dumpable: number;
  thpDisabled: boolean;
  prctls: TscriuPrctl[];
  /** Components of x86's extended state that it asked leave for (ARCH_REQ_XCOMP_PERM), by bit. */
  xcompPerm: bigint;
  /** What becomes of memory that it maps from now on: bits of MCL. */
  mlockall: number;
}

/**
 * Whether what the process maps is locked at once, which nobody tells: the agent's area is such memory. Locked pages cannot be
 * given back, and but for MCL_ONFAULT one is there that nobody has touched.
 */
function askFutureLock(program: Program): () => number {
  const page = new Data(AREA.untouched, program.area.bytes);
  const here = program.reserve(8);
  const given = program.call(NR.madvise, [page, PAGE_SIZE, MADV_DONTNEED], { ignore: true });
  program.call(NR.mincore, [page, PAGE_SIZE, here], { ignore: true });
  return () => {
    if (program.result(given) !== EINVAL) return 0;
    return MCL.FUTURE + ((here.bytes[0] ?? 0) & 1 ? 0 : MCL.ONFAULT);
  };
}

/** @param questions those of the leader */
export function askProcess(questions: Program): () => ProcessInside {
  const get = (option: number) => questions.call(NR.prctl, [option, 0, 0, 0, 0], { ignore: true });
  const subreaper = questions.reserve(8);
  questions.call(NR.prctl, [PR.GET_CHILD_SUBREAPER, subreaper, 0, 0, 0], {
    what: "cannot ask whether it is a subreaper",
  });
  const membarrier = questions.call(NR.membarrier, [MEMBARRIER_CMD_GET_REGISTRATIONS, 0, 0], { ignore: true });
  const dumpable = get(PR.GET_DUMPABLE);
  const thp = get(PR.GET_THP_DISABLE);
  const xcomp = questions.reserve(8);
  // before 5.16 there is no such question, and nothing to ask for
  if (process.arch === "x64") questions.call(NR.arch_prctl, [ARCH.GET_XCOMP_PERM, xcomp], { ignore: true });
  const mlockall = askFutureLock(questions);
  const more = PRCTLS.map((kind) => ({ kind, result: get(kind.get) }));
  return () => ({
    childSubreaper: subreaper.view.getInt32(0, true) !== 0,
    membarrier: Math.max(0, questions.result(membarrier)),
    dumpable: Math.max(0, questions.result(dumpable)),
    thpDisabled: questions.result(thp) > 0,
    mlockall: mlockall(),
    xcompPerm: xcomp.view.getBigUint64(0, true) & ASKED_FOR,
    prctls: [
      ...more.map(({ kind, result }) => ({ option: kind.set, value: questions.result(result) })),
      // the image's flag says that it is off, this one that it is not off altogether
      { option: PR.SET_THP_DISABLE, value: Math.max(0, questions.result(thp)) & PR_THP_DISABLE.EXCEPT_ADVISED },
    ].filter(({ value }) => value > 0),
  });
}

/**
 * What goes best before memory is mapped: transparent huge pages, when the task had none.
 * @param disabled that of mm_entry
 * @param inherited whether it has none of its parent by now
 */
export function restoreThpDisable(
  program: Program,
  disabled: boolean | undefined,
  inherited: boolean | undefined,
  tc: TaskCoreEntry,
): void {
  if (!disabled && inherited)
    program.call(NR.prctl, [PR.SET_THP_DISABLE, 0, 0, 0, 0], { what: "cannot allow transparent huge pages" });
  if (!disabled) return;
  const flags = tc.tscriu_prctls.find(({ option }) => option === PR.SET_THP_DISABLE)?.value ?? 0;
  program.call(NR.prctl, [PR.SET_THP_DISABLE, 1, BigInt(flags), 0, 0], {
    what: "cannot switch off transparent huge pages",
  });
}

/**
 * The process's own state, by its leader: once the memory is in place (personality and MDWE change what mmap does) and
 * before credentials.
 */
export function restoreProcess(program: Program, tc: TaskCoreEntry): void {
  program.call(NR.personality, [tc.personality], {
    what: "cannot set the personality",
    subject: { personality: `0x${tc.personality.toString(16)}` },
  });
  if (tc.child_subreaper) {
    program.call(NR.prctl, [PR.SET_CHILD_SUBREAPER, 1, 0, 0, 0], { what: "cannot become a subreaper" });
  }
  const registered = tc.membarrier_registration_mask ?? 0;
  for (let bit = 1; bit !== 0 && bit <= registered; bit *= 2) {
    if ((registered & bit) === 0) continue;
    program.call(NR.membarrier, [bit, 0, 0], {
      what: "cannot register for memory barriers",
      subject: { command: bit },
    });
  }
  if (tc.tscriu_mlockall)
    program.call(NR.mlockall, [tc.tscriu_mlockall & (MCL.FUTURE | MCL.ONFAULT)], {
      what: "cannot have future memory locked",
    });
  for (const { option, value } of tc.tscriu_prctls) {
    if (option === PR.SET_THP_DISABLE) continue;
    if (!PRCTLS.some(({ set }) => set === option)) {
      throw new CrError("the image sets something that we do not know", {
        code: "BAD_IMAGE",
        subject: { prctl: option },
      });
    }
    program.call(NR.prctl, [option, Number(value), 0, 0, 0], {
      what: "cannot set a process's state",
      subject: { prctl: option },
    });
  }
}

/** The dumpable flag, after the credentials: changing those resets it. Where the kernel itself makes it 2, it stays. */
export function restoreDumpable(program: Program, dumpable: number | undefined): void {
  if (dumpable === undefined) return;
  // 2 comes of a change of credentials under fs.suid_dumpable; closest to it is "nobody"
  const value = dumpable === SUID_DUMP_ROOT ? 0 : dumpable;
  program.call(NR.prctl, [PR.SET_DUMPABLE, value, 0, 0, 0], { what: "cannot set whether the process may be dumped" });
}

function write(dir: ProcDir, name: string, text: string, what: string, remedy: string): void {
  const writeOnly = 1;
  const fd = dir.open(name, writeOnly);
  const bytes = new TextEncoder().encode(text);
  const result = sys(NR.write, fd, addressOf(bytes), bytes.length);
  sys(NR.close, fd);
  const path = `/proc/${dir.pid}/${name}`;
  check(result, what, { pid: dir.pid, path, value: text }, result === EPERM || result === -13 ? remedy : undefined);
}

/** What every process of a restore has from us until it gets its own. */
export function bornWith(): Pick<TaskCoreEntry, "loginuid" | "oom_score_adj"> {
  const loginuid = tryReadProcFile("/proc/self/loginuid");
  return {
    oom_score_adj: Number(readProcFile("/proc/self/oom_score_adj")),
    ...(loginuid !== undefined && { loginuid: Number(loginuid) }),
  };
}

/** Whether `restoreProcessOutside` has nothing to do for a process that was born with that. */
export function isAsBorn(tc: TaskCoreEntry, born: Pick<TaskCoreEntry, "oom_score_adj">): boolean {
  const { oom_score_adj: oom = born.oom_score_adj, tscriu_coredump_filter: filter, tscriu_autogroup: nice } = tc;
  return oom === born.oom_score_adj && filter === undefined && nice === undefined;
}

/**
 * What we write from outside, at any time before the process's credentials make its /proc files unwritable.
 * What already is as it should be is left alone: an unprivileged restore may not touch it.
 */
export function restoreProcessOutside(dir: ProcDir, tc: TaskCoreEntry): void {
  const { oom_score_adj: oom, tscriu_coredump_filter: filter, tscriu_autogroup: nice } = tc;
  // a kernel that does not group sessions has no such file
  if (nice !== undefined && dir.optional("autogroup") && readAutogroup(dir) !== nice) {
    write(dir, "autogroup", String(nice), "cannot set how nice a session is", "restore with CAP_SYS_NICE");
  }
  if (oom !== undefined && Number(dir.text("oom_score_adj")) !== oom) {
    write(dir, "oom_score_adj", String(oom), "cannot set the OOM score", "restore with CAP_SYS_RESOURCE");
  }
  if (filter !== undefined) writeCoredumpFilter(dir, filter);
}

export function writeCoredumpFilter(dir: ProcDir, filter: number): void {
  write(dir, "coredump_filter", `0x${filter.toString(16)}`, "cannot set what a core dump holds", "restore as root");
}

/** Opens the login user id of a process, when it is not yet the saved one; the caller closes it. */
export function openLogin(dir: ProcDir, tc: TaskCoreEntry): number | undefined {
  const { loginuid } = tc;
  if (loginuid === undefined) return undefined;
  const now = dir.optional("loginuid");
  if (now === undefined) {
    if (loginuid === NO_LOGIN) return undefined;
    throw sysError(-2, "this kernel keeps no login user ids", { pid: dir.pid, loginuid });
  }
  const readWrite = 2;
  return Number(now) === loginuid ? undefined : dir.open("loginuid", readWrite);
}

/** Sets the login user id by way of a descriptor of its file: a process may do that for itself alone. */
export function restoreLogin(program: Program, fd: Arg, loginuid: number): void {
  const text = String(loginuid);
  program.call(NR.write, [fd, program.text(text), text.length], {
    what: "cannot set the login user id (it takes CAP_AUDIT_CONTROL in a login session)",
    subject: { loginuid },
  });
  program.call(NR.close, [fd]);
}
