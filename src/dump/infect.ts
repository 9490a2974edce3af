/** The agents inside a frozen tree, and the questions to threads that run none. */
import { arch } from "../agent/arch/index.ts";
import { canSend, type Errand, send } from "../agent/errand.ts";
import { Home } from "../agent/home.ts";
import { Parasite } from "../agent/parasite.ts";
import { numbersOfTask } from "../agent/pid.ts";
import type { Program } from "../agent/program.ts";
import type { Tracee } from "../agent/tracee.ts";
import { onTime } from "../kernel/cpu.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { TaskGone } from "../kernel/ptrace.ts";
import type { Log } from "../log.ts";
import type { ThreadCalls } from "../task/questions.ts";
import type { TaskMemory } from "./memory.ts";
import type { FrozenTask } from "./tree.ts";

/** A task with an agent in it. Dispose takes it out again and leaves the task stopped as it was found. */
export class InfectedTask implements Disposable {
  readonly home: Home;
  readonly parasite: Parasite;
  #state: "infected" | "cured" | "killed" = "infected";

  constructor(
    readonly task: FrozenTask,
    readonly log: Log,
    areas: TaskMemory,
    readonly memory: RemoteMemory,
    cpu: number,
    before: Uint8Array | undefined,
    first?: (program: Program) => void,
  ) {
    const leader = this.leader;
    // one frame fits the state of every thread: on aarch64 only some may use scalable vectors
    const framed = Math.max(...task.threads.map((thread) => arch.framedState(thread.fp)));
    const sps = task.threads.map((thread) => arch.sp(thread.regs));
    this.home = new Home(task.pid, memory, areas.areas, framed, sps, arch.isI386(leader.regs));
    try {
      const where = { cpu, own: task.status.nsPid.at(-1) ?? task.pid, before };
      this.parasite = new Parasite(leader, this.home, memory, task.status.seccomp !== 0, where, first);
    } catch (error) {
      this.home[Symbol.dispose]();
      throw error;
    }
  }

  get leader(): Tracee {
    const [leader] = this.task.threads;
    if (!leader) throw new Error("a zombie cannot be infected");
    return leader;
  }

  /** Lets threads other than the leader make a few calls, side by side; they stand as before afterwards. */
  send<T>(threads: readonly Tracee[], ask: (errand: Errand) => () => T): T[] {
    const answers: T[] = [];
    for (let i = 0; i < threads.length; i += this.home.others) {
      const some = threads.slice(i, i + this.home.others);
      // short sleeps, between which a whole tree waits
      answers.push(...onTime(() => send(some, this.home, this.parasite, ask)));
    }
    return answers;
  }

  /** Whether `send` can be used. */
  get sends(): boolean {
    return canSend(this.home, this.parasite);
  }

  /** Lets a thread other than the leader answer questions, call by call; it stands as before afterwards. */
  askThread<T>(thread: Tracee, cpu: number, ask: (calls: ThreadCalls) => T): T {
    const { home, memory, parasite } = this;
    const { sp, scratch } = home.frameFor(thread, 1);
    const isApart = this.task.status.nsPid.length > 1;
    parasite.pins.put(thread.tid, cpu, isApart ? (numbersOfTask(thread.tid)[0] ?? thread.tid) : thread.tid);
    try {
      return ask({
        scratch,
        call: (nr, args) => thread.syscall(home.trampoline, sp, nr, args),
        read: (address, length) => memory.read(address, length),
      });
    } finally {
      thread.restore(home.trampoline, sp);
      parasite.pins.takeBack(1);
    }
  }

  /** The task is about to be killed: nothing needs to be put back. @param stays it dies on our CPU */
  forget(stays = false): void {
    this.#state = "killed";
    if (!stays) this.parasite.pins.takeBack();
  }

  cure(): void {
    if (this.#state !== "infected") return;
    this.#state = "cured";
    try {
      this.parasite.cure();
      this.home[Symbol.dispose]();
    } catch (error) {
      if (!(error instanceof TaskGone))
        this.log.warn(`task ${this.task.pid} could not be put back: ${error instanceof Error ? error.message : error}`);
    }
  }

  [Symbol.dispose](): void {
    this.cure();
    this.parasite[Symbol.dispose]();
  }
}
