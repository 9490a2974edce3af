import { CrError } from "../../error.ts";
import { decimalU64, type U64 } from "../u64.ts";

/** /proc/PID/stat, by the names of proc_pid_stat(5). Fields that need ptrace permission are 0 without it. */
export interface ProcStat {
  readonly pid: number;
  readonly comm: string;
  /** One letter: R S D Z T t X I P. */
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  /** Session. */
  readonly sid: number;
  /** Controlling terminal, kernel encoding major << 20 | minor; 0 for none. */
  readonly tty: number;
  /** Foreground group of the terminal, or -1. */
  readonly tpgid: number;
  /** PF_* of linux/sched.h. */
  readonly flags: number;
  readonly minflt: U64;
  readonly cminflt: U64;
  readonly majflt: U64;
  readonly cmajflt: U64;
  /** Clock ticks (sysconf _SC_CLK_TCK, 100 per second), as cutime, cstime and starttime are. */
  readonly utime: U64;
  readonly stime: U64;
  readonly cutime: U64;
  readonly cstime: U64;
  readonly priority: number;
  readonly nice: number;
  readonly numThreads: number;
  /** Ticks since boot. With the pid it names a process for good. */
  readonly starttime: number;
  /** Bytes. */
  readonly vsize: number;
  /** Pages. */
  readonly rss: number;
  readonly rsslim: U64;
  readonly startCode: number;
  readonly endCode: number;
  readonly startStack: number;
  /** Signal sent to the parent at exit. */
  readonly exitSignal: number;
  readonly processor: number;
  readonly rtPriority: number;
  /** SCHED_* of linux/sched.h. */
  readonly policy: number;
  readonly startData: number;
  readonly endData: number;
  readonly startBrk: number;
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
  /** As wait(2) would tell it; set for a zombie. */
  readonly exitCode: number;
}

/** The tty number of stat is the old user-space encoding: minor in two parts around the major. */
function ttyDevice(bits: number): number {
  const minor = (bits & 0xff) | ((bits >>> 12) & 0xfff00);
  return ((bits >>> 8) & 0xfff) * 0x100000 + minor;
}

/**
 * Reads /proc/PID/stat. The name may hold anything, parentheses and newlines too: its end is the last `)`.
 * @throws CrError BAD_PROC when the text is not of this form
 */
export function parseStat(text: string): ProcStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text
    .slice(close + 2)
    .trimEnd()
    .split(" ");
  if (open < 1 || close < open || fields.length < 50) {
    throw new CrError("/proc/PID/stat has an unknown form", { code: "BAD_PROC", subject: { fields: fields.length } });
  }
  // proc_pid_stat(5) counts from 1, and the state is its third
  const number = (field: number): number => Number(fields[field - 3]);
  const u64 = (field: number): U64 => decimalU64(fields[field - 3] ?? "0");
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: fields[0] ?? "",
    ppid: number(4),
    pgrp: number(5),
    sid: number(6),
    tty: ttyDevice(number(7)),
    tpgid: number(8),
    flags: number(9),
    minflt: u64(10),
    cminflt: u64(11),
    majflt: u64(12),
    cmajflt: u64(13),
    utime: u64(14),
    stime: u64(15),
    cutime: u64(16),
    cstime: u64(17),
    priority: number(18),
    nice: number(19),
    numThreads: number(20),
    starttime: number(22),
    vsize: number(23),
    rss: number(24),
    rsslim: u64(25),
    startCode: number(26),
    endCode: number(27),
    startStack: number(28),
    exitSignal: number(38),
    processor: number(39),
    rtPriority: number(40),
    policy: number(41),
    startData: number(45),
    endData: number(46),
    startBrk: number(47),
    argStart: number(48),
    argEnd: number(49),
    envStart: number(50),
    envEnd: number(51),
    exitCode: number(52),
  };
}
