import type { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { seize } from "../kernel/ptrace.ts";
import { addressOf, spawn, sys, sysError } from "../kernel/sys.ts";
import { PTRACE_O } from "../kernel/uapi/ptrace.ts";
import type { FileRestore } from "./kind.ts";
import { perRun } from "./per-run.ts";

const SIGCHLD = 17;
const SIGKILL = 9;
const STACK = 64 * 1024;
const EEXIST = -(ERRNO.EEXIST ?? 17);
const EINTR = -(ERRNO.EINTR ?? 4);
/** wait4(2): children of any kind. */
const WALL = 0x4000_0000;

function refusal(result: number, pid: number): CrError {
  const remedy =
    result === EEXIST
      ? "another process has this pid: end it, or restore with --new-pidns"
      : "run as root, or with CAP_CHECKPOINT_RESTORE";
  return sysError(result, "cannot make a process for an open file of /proc whose task had ended", { pid }, remedy);
}

/** A process that does nothing until it is ended. */
class Placeholder implements Disposable {
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #pid: number;

  constructor(pid: number) {
    const tids = new Int32Array([pid]);
    const top = addressOf(this.#stack) + STACK;
    // it waits for the gate, which nobody opens
    const [gate, end] = makePipe();
    this.#pid = spawn(SIGCHLD, addressOf(tids), 1, -1, gate, top - (top % 16));
    closeFd(gate);
    closeFd(end);
    if (this.#pid < 0) throw refusal(this.#pid, pid);
    // it must not outlive us
    seize(this.#pid, PTRACE_O.EXITKILL);
  }

  [Symbol.dispose](): void {
    sys(NR.kill, this.#pid, SIGKILL);
    while (sys(NR.wait4, this.#pid, 0, WALL, 0) === EINTR);
  }
}

/**
 * Processes that stand in for tasks that had ended when the dump was made, while files of /proc are opened that were theirs
 * and working directories there are entered. When they end, such files belong to dead processes as they did.
 */
export class DeadProcesses {
  /** The one of this restore. */
  static readonly of = perRun((restore: FileRestore) => new DeadProcesses(restore));

  readonly #held = new Map<number, Disposable>();

  private constructor(private readonly restore: FileRestore) {
    restore.atEnd(() => this.release());
  }

  /** All files are open: they may die. */
  release(): void {
    for (const placeholder of this.#held.values()) placeholder[Symbol.dispose]();
    this.#held.clear();
  }

  /**
   * Makes sure that a process with this pid exists until the end of the restore.
   * @throws CrError EEXIST when the pid is taken
   */
  hold(pid: number): void {
    if (this.#held.has(pid)) return;
    // who has the number in another pid namespace is born there
    const [root] = this.restore.pidsApart ? this.restore.tasks : [];
    this.#held.set(pid, root?.spawn(pid) ?? new Placeholder(pid));
  }
}
