/** An agent in memory of a puppet, driven through a futex: enough where the tracer's death kills the task. */
import { CrError, type Subject } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { cont, interrupt, wait, waitStop } from "../kernel/ptrace.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { arch } from "./arch/index.ts";
import { CONTROL, STATE_RUN } from "./layout.ts";
import type { Area } from "./program.ts";
import { readRegs, roundTrips } from "./tracee.ts";

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const ETIMEDOUT = -110;
const EAGAIN = -11;
const EINTR = -4;
/** SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV: they cannot be blocked. */
const FAULTS: ReadonlySet<number> = new Set([4, 5, 7, 8, 11]);
/** How often we look whether a puppet died while we wait for its agent: seconds, nanoseconds. */
const lookEvery = new BigInt64Array([0n, 100_000_000n]);

/** One agent that we drive through a futex: a task's leader or one of its threads. */
export abstract class FutexAgent implements Area {
  abstract readonly base: number;
  abstract readonly bytes: Uint8Array;
  abstract readonly view: DataView;
  abstract readonly subject: Subject;

  constructor(
    readonly tid: number,
    /** Offset of its control block in `controlView`. */
    protected readonly control: number,
  ) {}

  protected abstract controlView(): DataView;
  protected abstract controlAddress(): number;

  execute(ops: number): number {
    this.start(ops);
    return this.finish();
  }

  /** Lets it run its first `ops` records; `finish` waits for that. */
  start(ops: number): void {
    const view = this.controlView();
    const at = this.control;
    view.setUint32(at + CONTROL.ops, ops, true);
    roundTrips.programs++;
    view.setUint32(at + CONTROL.state, STATE_RUN, true);
    sys(NR.futex, this.controlAddress(), FUTEX_WAKE, 1);
  }

  /** Index of the record that failed, or how many there were. */
  finish(): number {
    const view = this.controlView();
    const at = this.control;
    const address = this.controlAddress();
    while (view.getUint32(at + CONTROL.state, true) === STATE_RUN) {
      const slept = sys(NR.futex, address, FUTEX_WAIT, STATE_RUN, addressOf(lookEvery));
      if (slept === ETIMEDOUT) this.#look();
      else if (slept !== 0 && slept !== EAGAIN && slept !== EINTR)
        check(slept, "cannot wait for a puppet", this.subject);
    }
    return view.getUint32(at + CONTROL.stopped, true);
  }

  /** Notices a puppet that died, and lets one go on that something stopped. */
  #look(): void {
    const seen = wait(this.tid, WAIT.NOHANG);
    if (seen === undefined) return;
    if (typeof seen === "number" || seen.kind !== "stopped") {
      const how =
        typeof seen === "number"
          ? ""
          : seen.kind === "exited"
            ? ` with exit code ${seen.code}`
            : ` by signal ${seen.signal}`;
      throw new CrError(`the task died while it was being restored${how}`, { code: "ESRCH", subject: this.subject });
    }
    if (seen.event === 0 && FAULTS.has(seen.signal)) {
      throw new CrError(`the task faulted while it was being restored (signal ${seen.signal})`, {
        code: "EFAULT",
        subject: { ...this.subject, address: arch.ip(readRegs(this.tid)) },
      });
    }
    cont(this.tid);
  }

  /** Asks the agent to stop outside of its programs; `halted` waits for it. */
  halt(): void {
    check(interrupt(this.tid), "cannot stop a puppet", this.subject);
  }

  halted(): void {
    for (;;) {
      const seen = waitStop(this.tid, this.subject);
      roundTrips.stops++;
      if (seen.event === PTRACE_EVENT.STOP) return;
      cont(this.tid);
    }
  }
}
