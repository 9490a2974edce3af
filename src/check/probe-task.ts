/** Probes about tasks: tracing, signals, seccomp, prctl, pids. */
import { readFileSync } from "node:fs";
import { errnoName } from "../kernel/errno.ts";
import { epollTarget, hasKcmp } from "../kernel/kcmp.ts";
import { getRseq, getSeccompFilter, peekSignals } from "../kernel/ptrace.ts";
import { addressOf } from "../kernel/sys.ts";
import { NT, PTRACE, PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { Child, childOptions, startAndEnd } from "./child.ts";
import { call, failed, int, type Probes, Scope, type Verdict, works } from "./probe.ts";

/** offsetof(struct user, u_debugreg) on x86_64, sys/user.h */
const debugRegisters = 848;

const PR_SET_MM = 35;
const PR_SET_MM_MAP_SIZE = 15;
const PR_GET_TID_ADDRESS = 40;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_TIMER_CREATE_RESTORE_IDS = 77;
const SECCOMP_SET_MODE_FILTER = 1;
const SIGUSR1 = 10;
const SIGTRAP = 5;

/** Effective capabilities that any checkpoint needs one of. */
function privileges(): Verdict {
  const caps = BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0"}`);
  const has = (bit: bigint): boolean => ((caps >> bit) & 1n) === 1n;
  return has(21n) || has(40n) ? undefined : "neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE is in effect";
}

function ptrace(): Verdict {
  using child = new Child();
  return works("a system call in another task", child.call("getpid"));
}

function kcmp(): Verdict {
  if (!hasKcmp()) return "kcmp does not work";
  using scope = new Scope();
  const [a, b] = scope.pair("pipe2");
  const self = process.pid;
  const [same, other] = [call("kcmp", self, self, 0, a, a), call("kcmp", self, self, 0, a, b)];
  return same === 0 && other > 0 ? undefined : `comparing files answers ${same} and ${other}`;
}

function kcmpEpoll(): Verdict {
  using scope = new Scope();
  const target = scope.open("eventfd2", 0, 0);
  const epoll = scope.open("epoll_create1", 0);
  const event = new Uint8Array(16);
  call("epoll_ctl", epoll, 1, target, addressOf(event));
  return epollTarget(process.pid, target, process.pid, epoll, target) ? undefined : "the target is not recognised";
}

function prctlMm(): Verdict {
  const size = int(0);
  const result = call("prctl", PR_SET_MM, PR_SET_MM_MAP_SIZE, addressOf(size), 0, 0);
  return works("PR_SET_MM_MAP_SIZE", result);
}

function tidAddress(): Verdict {
  return works("PR_GET_TID_ADDRESS", call("prctl", PR_GET_TID_ADDRESS, addressOf(new BigUint64Array(1)), 0, 0, 0));
}

/** Field 52 is the exit code; layout fields are zero for those who may not see them. */
function procStat(): Verdict {
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  if (fields.length < 50) return `/proc/self/stat has ${fields.length + 2} fields of 52`;
  return fields[42] === "0" ? "/proc/self/stat hides the memory layout" : undefined;
}

/** Signal 0 asks for permission only: nothing is sent. */
function sigqueueinfo(): Verdict {
  const info = new Int32Array(32);
  info[2] = 0x10000;
  return works("a forged signal to itself", call("rt_sigqueueinfo", process.pid, 0, addressOf(info)));
}

function peekSiginfo(): Verdict {
  using child = new Child();
  call("kill", child.pid, SIGUSR1);
  const seen = peekSignals(child.pid, true);
  return seen.some((info) => info[0] === SIGUSR1) ? undefined : "a pending signal is not shown";
}

function seccompSuspend(): Verdict {
  using child = new Child();
  const options = childOptions | PTRACE_O.SUSPEND_SECCOMP;
  return works("PTRACE_O_SUSPEND_SECCOMP", call("ptrace", PTRACE.SETOPTIONS, child.pid, 0, options));
}

/** A filter of one instruction, `allow everything`, is set in the child and read back. */
function seccompFilters(): Verdict {
  using child = new Child();
  child.must("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const allow = new Uint8Array([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, 1, true);
  program.setBigUint64(8, BigInt(child.put(allow, 64)), true);
  child.must("seccomp", SECCOMP_SET_MODE_FILTER, 0, child.put(new Uint8Array(program.buffer)));
  const filter = getSeccompFilter(child.pid, 0);
  if (typeof filter === "number") return failed("PTRACE_SECCOMP_GET_FILTER", filter);
  return Buffer.from(filter).equals(Buffer.from(allow)) ? undefined : "the filter comes back changed";
}

/** The child writes its own value to itself: nothing changes. */
function loginuid(): Verdict {
  using child = new Child();
  const value = readFileSync(`/proc/${child.pid}/loginuid`, "latin1");
  const fd = child.call("openat", -100, child.put("/proc/self/loginuid"), 1, 0);
  if (fd < 0) return failed("opening loginuid", fd);
  return works("writing loginuid", child.call("write", fd, child.put(value), value.length));
}

/** A child gets the pid of one that has just gone. Somebody else may take it first: then again. */
function setTid(): Verdict {
  for (let tries = 0; ; tries++) {
    const wanted = startAndEnd();
    if (wanted < 0) return failed("clone3", wanted);
    const got = startAndEnd(int(wanted));
    if (got === wanted) return undefined;
    if (got >= 0) return "clone3 gives another pid";
    if (errnoName(got) !== "EEXIST" || tries >= 5) return failed("clone3 with a wanted pid", got);
  }
}

function pidfds(): Verdict {
  using child = new Child();
  using scope = new Scope();
  const pidfd = scope.open("pidfd_open", child.pid, 0);
  const fd = child.must("eventfd2", 0, 0);
  scope.open("pidfd_getfd", pidfd, fd, 0);
  return undefined;
}

function nsPid(): Verdict {
  return /^NSpid:/m.test(readFileSync("/proc/self/status", "latin1")) ? undefined : "no NSpid in /proc/self/status";
}

function rseq(): Verdict {
  using child = new Child();
  return getRseq(child.pid) ? undefined : "PTRACE_GET_RSEQ_CONFIGURATION fails";
}

function timerIds(): Verdict {
  using child = new Child();
  return works("PR_TIMER_CREATE_RESTORE_IDS", child.call("prctl", PR_TIMER_CREATE_RESTORE_IDS, 1, 0, 0, 0));
}

function breakpoints(): Verdict {
  using child = new Child();
  if (process.arch === "arm64") {
    const state = new Uint8Array(264);
    const iov = new BigUint64Array([BigInt(addressOf(state)), BigInt(state.length)]);
    const result = call("ptrace", PTRACE.GETREGSET, child.pid, NT.ARM_HW_BREAK, addressOf(iov));
    if (result < 0) return failed("NT_ARM_HW_BREAK", result);
    return state[0] === 0 ? "this CPU has none" : undefined;
  }
  const poke = (register: number, value: number): number =>
    call("ptrace", PTRACE.POKEUSR, child.pid, debugRegisters + register * 8, value);
  const address = poke(0, child.start);
  const set = address < 0 ? address : poke(7, 1);
  if (set < 0) return failed("setting a debug register", set);
  // some virtual machines take them and never stop
  return child.go() === SIGTRAP ? undefined : "the task does not stop there";
}

export const taskProbes = {
  privileges,
  ptrace,
  kcmp,
  kcmp_epoll: kcmpEpoll,
  prctl_mm: prctlMm,
  prctl_tid_address: tidAddress,
  proc_stat: procStat,
  sigqueueinfo,
  ptrace_peeksiginfo: peekSiginfo,
  seccomp_suspend: seccompSuspend,
  seccomp_filters: seccompFilters,
  loginuid,
  clone3_set_tid: setTid,
  pidfd_store: pidfds,
  ns_pid: nsPid,
  get_rseq_conf: rseq,
  timer_cr_ids: timerIds,
  breakpoints,
} as const satisfies Probes<string>;
