/**
 * A process whose first thread has ended while others run on. What it is is read, and asked, by way of one of these. In the images
 * the first thread is one that lives, and whose first and last call is exit(2): whoever restores it, CRIU too, needs not know.
 */
import { arch } from "../agent/arch/index.ts";
import type { Tracee } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdOpen } from "../kernel/pidfd.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import type { LeaderInside, ThreadState } from "../task/core.ts";
import { readSched } from "../task/sched.ts";
import type { TaskAnswers } from "./task.ts";
import type { FrozenTask } from "./tree.ts";

/** The system call instruction. */
const CALL = process.arch === "arm64" ? Uint8Array.of(0x01, 0, 0, 0xd4) : Uint8Array.of(0x0f, 0x05);
const EXEC = 4;
const PIECE = 1 << 20;
const ALL_BLOCKED = 0xffff_ffff_ffff_ffffn;

export function deadLeader(pid: number, why: string): CrError {
  return new CrError(`the leader of this process has ended while its threads run on, ${why}`, {
    code: "ENOTSUP",
    subject: { pid },
    remedy: "end the process or let it execute another program",
  });
}

/** The first thread ends once more at the restore, and so would tell its process's children of its death. */
export function checkParent({ leader, parent }: FrozenTask, { leader: own, threads }: TaskAnswers): void {
  if (parent === undefined || parent.pid === parent.leader) return;
  if ([own.thread, ...threads].every(({ pdeathSignal }) => pdeathSignal === 0)) return;
  throw deadLeader(
    parent.leader,
    `and its child ${leader} wants to be told of the end of its parent (PR_SET_PDEATHSIG)`,
  );
}

/** What is seen of a process by way of a thread that lives; its names and numbers are those of its first one. */
export function readByThread(leader: ProcDir, tid: number): { dir: ProcDir; stat: ProcStat; status: ProcStatus } {
  try {
    closeFd(pidfdOpen(tid));
  } catch {
    throw deadLeader(leader.pid, "and this kernel does not give away descriptors of threads (Linux before 6.9)");
  }
  const [was, had] = [parseStat(leader.text("stat")), parseStatus(leader.text("status"))];
  leader[Symbol.dispose]();
  const dir = new ProcDir(tid);
  const text = dir.text("status").replace(/^(Name|Pid|NSpid):.*$/gm, (_, name) => `${name}:\t${had.line(name)}`);
  const status = parseStatus(text);
  const stat = { ...parseStat(dir.text("stat")), comm: was.comm, exitSignal: was.exitSignal, exitCode: was.exitCode };
  return { dir, stat, status };
}

/** All thread ids, that of a first one that has ended too. */
export function tidsOf({ leader, threads }: FrozenTask): number[] {
  const tids = threads.map(({ tid }) => tid);
  return threads.length === 0 || tids[0] === leader ? tids : [leader, ...tids];
}

/** Where a thread can make a call: any such bytes in the process's code will do. The vDSO of another kernel is another one. */
function findCall(threads: readonly Tracee[], vmas: readonly Vma[], memory: RemoteMemory): number | undefined {
  const code = vmas.filter(({ prot, name, ino }) => (prot & EXEC) !== 0 && ino !== 0 && !name.startsWith("["));
  const isCall = (at: number) =>
    code.some(({ start, end }) => at >= start && at + CALL.length <= end) &&
    Buffer.compare(memory.read(at, CALL.length), CALL) === 0;
  for (const { regs } of threads) if (isCall(arch.ip(regs) - CALL.length)) return arch.ip(regs) - CALL.length;
  const bytes = Buffer.alloc(PIECE);
  for (const { start, end } of code) {
    for (let at = start; at < end; at += PIECE) {
      const piece = bytes.subarray(0, Math.min(PIECE, end - at));
      if (!memory.tryRead(at, piece)) continue;
      let found = piece.indexOf(CALL);
      while (found > 0 && process.arch === "arm64" && found % CALL.length !== 0) found = piece.indexOf(CALL, found + 1);
      if (found >= 0) return at + found;
    }
  }
  return undefined;
}

/** The first thread as images have it. */
export class DeadLeader {
  readonly #state: ThreadState;
  readonly #general: BigUint64Array;

  /**
   * Looks at it, before anything of ours runs in the process.
   * @param other what is known of a thread that lives
   */
  constructor(task: FrozenTask, vmas: readonly Vma[], memory: RemoteMemory, other: ThreadState) {
    const [first] = task.threads;
    if (first === undefined || arch.isI386(first.regs)) throw deadLeader(task.leader, "and runs 32-bit code");
    const at = findCall(task.threads, vmas, memory);
    if (at === undefined) throw deadLeader(task.leader, "and there is no system call in its code");
    this.#general = arch.call(first.regs, at, arch.sp(first.regs), NR.exit, [(task.stat.exitCode >> 8) & 0xff]);
    using dir = new ProcDir(task.leader);
    this.#state = {
      ...other,
      tid: task.leader,
      registers: { ...other.registers, general: this.#general },
      // a signal for the process must find another thread
      mask: ALL_BLOCKED,
      status: parseStatus(dir.text("status")),
      sched: readSched(task.leader),
      robust: { futex_rla: 0, futex_rla_len: 0 },
      pending: { signals: [] },
      rseq: { entry: undefined, abortIp: undefined, writeBack: undefined },
    };
  }

  get state(): ThreadState {
    return this.#state;
  }

  get general(): BigUint64Array {
    return this.#general;
  }

  /** What the thread that was asked told of the process: nothing of what it told of itself. */
  inside(answers: LeaderInside): LeaderInside {
    const { securebits } = answers.thread;
    const altstack = { ss_sp: 0, ss_size: 0, ss_flags: 2 };
    const untold = -1;
    const habits = { prctls: [] };
    return { ...answers, thread: { altstack, clearTid: 0, pdeathSignal: 0, securebits, timerSlack: untold, habits } };
  }
}
