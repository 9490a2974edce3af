/**
 * Puppets: the processes that become the restored tasks. Each is empty but for an agent in memory that the target's
 * address space does not use, and each is traced with PTRACE_O_EXITKILL: when we die, they die.
 */
import type { Subject } from "../error.ts";
import { embedded } from "../kernel/embedded.ts";
import { closeFd, makePipe, tryWrite } from "../kernel/fd.ts";
import { openMapFile, RemoteMemory, SharedView } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { cont, contToSyscall, detach, setSigmask, TaskGone, wait, waitStop } from "../kernel/ptrace.ts";
import { addressOf, check, gateOf, spawn, sys, sysError } from "../kernel/sys.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { arch } from "./arch/index.ts";
import { injectCall, noI386, programFor, trace } from "./fresh-task.ts";
import { FutexAgent } from "./futex-agent.ts";
import { AREA, CONTROL, TOUCHED } from "./layout.ts";
import {
  type Chance,
  chooseNumbers,
  choosePid,
  hostPidOfChild,
  type NextNumber,
  type Numbering,
  numbersOfTask,
} from "./pid.ts";
import { awaitPid, requirePid } from "./pid-holder.ts";
import { type Data, Program } from "./program.ts";
import { readRegs, roundTrips, writeRegs } from "./tracee.ts";

const PROT_READ = 1;
const PROT_EXEC = 4;
const PROT_RWX = 7;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_FIXED_NOREPLACE = 0x100000;
const EINTR = -4;
const SIGCHLD = 17;
const AT_EMPTY_PATH = 0x1000;
const STACK = 65536;
const CLONE_NEWPID = 0x2000_0000;
/** A thread's page of the area behind the task's own: control block below, stack above. */
export const THREAD_PAGE = 4096;

/** What a puppet is called, and what it runs: see its fields of the same names. */
type Numbers = Pick<Puppet, "pid" | "inner" | "seen" | "levels" | "isI386">;

/** How a child is to be born. */
export interface Birth {
  /** Its pid in the namespace that it is born into, then in each above that it shall have a certain one in; 0 for any. */
  readonly numbers: readonly number[];
  /** Pid namespaces between its parent's and its own. */
  readonly below?: number;
  /** Of clone3(2). */
  readonly flags?: number;
  readonly exitSignal?: number | undefined;
  /** Its parent, where that is not whom it is cloned by (CLONE_PARENT). */
  readonly parent?: Puppet;
  /** How numbers are had that its parent may not choose: for each of them. */
  readonly next?: readonly NextNumber[];
}

/** A restored task while it is being built. */
export class Puppet extends FutexAgent implements Disposable {
  readonly subject: Subject;
  readonly program: Program = new Program(this);
  readonly memory: RemoteMemory;
  /** Says which number the kernel gave last in the tree's own pid namespace. */
  last: ((last: number) => void) | undefined;
  readonly #map: SharedView;
  /** Where the address space is still the one that it was born with: shared with all who were cloned of it, and what is mapped there. */
  born: { maps: readonly Vma[] | undefined } | undefined = { maps: undefined };
  /** Control blocks and stacks of its other threads: see threads.ts. */
  threads: SharedView | undefined;
  #state: "stopped" | "serving" | "gone" = "stopped";

  private constructor(
    /** As we see it. */
    readonly pid: number,
    /** As the images call it: in the pid namespace of the tree's root. */
    readonly inner: number,
    /** As its parent's pid namespace calls it. */
    readonly seen: number,
    /** How many pid namespaces lie between ours and its own: where there are any, what it calls its children we call otherwise. */
    readonly levels: number,
    /** It is a process of 32-bit x86 code, in an address space of 4 GiB; its agent is 64-bit code. */
    readonly isI386: boolean,
    /** Where the agent lives: an address that no task of the tree uses. */
    readonly base: number,
    map: SharedView,
  ) {
    super(pid, AREA.control);
    this.subject = { pid };
    this.#map = map;
    this.memory = new RemoteMemory(pid);
  }

  get bytes(): Uint8Array {
    return this.#map.bytes;
  }

  get view(): DataView {
    return this.#map.view;
  }

  protected controlView(): DataView {
    return this.#map.view;
  }

  protected controlAddress(): number {
    return this.#map.address + AREA.control;
  }

  /**
   * The root of the tree: a child of ours (or of our parent), with the pid it had.
   * @param inner its pid in its own pid namespace
   * @param base where its agent shall live
   * @param flags CLONE_PARENT, CLONE_NEW*
   * @param levels how many pid namespaces lie between ours and its own
   * @param born called while it waits for the word to go: that word, one byte, or the user and group that it becomes in its own user
   *   namespace
   */
  static root(
    inner: number,
    base: number,
    flags: number,
    levels = flags & CLONE_NEWPID ? 1 : 0,
    born: (pid: number) => Uint8Array = () => Uint8Array.of(1),
    isI386 = false,
  ): Puppet {
    const tids = new Int32Array([inner]);
    const elf = programFor(isI386);
    const [gate, open] = makePipe();
    const stack = new Uint8Array(new ArrayBuffer(STACK));
    const top = addressOf(stack) + STACK;
    // a sibling of ours tells its end as we do: clone3 takes no signal for it
    const CLONE_PARENT = 0x8000;
    const tells = flags & CLONE_PARENT ? 0 : SIGCHLD;
    const start = () => spawn(flags | tells, addressOf(tids), 1, elf, gateOf(gate, open), top - (top % 16));
    const called = { numbers: [inner], levels };
    const pid = awaitPid(called, start);
    try {
      requirePid(pid, called);
      trace(pid, { pid });
      const word = born(pid);
      const dumpable = sys(NR.prctl, PR.GET_DUMPABLE, 0, 0, 0, 0);
      tryWrite(open, word);
      for (;;) {
        const seen = waitStop(pid, { pid });
        if (seen.event === PTRACE_EVENT.EXEC) break;
        check(cont(pid), "cannot let a puppet go on", { pid });
      }
      // to the end of execve: only there registers that we set stay
      check(contToSyscall(pid), "cannot let a puppet go on", { pid });
      waitStop(pid, { pid });
      // who takes other ids takes this from all who share their memory
      if (word.length > 1) sys(NR.prctl, PR.SET_DUMPABLE, dumpable, 0, 0, 0);
    } catch (error) {
      throw isI386 && error instanceof TaskGone ? noI386(error) : error;
    } finally {
      // the child ran on it until it executed
      addressOf(stack);
      closeFd(gate);
      closeFd(open);
      closeFd(elf);
    }
    const entry = arch.ip(readRegs(pid));
    return Puppet.#settle({ pid, inner: inner === 0 ? pid : inner, seen: pid, levels, isI386 }, base, entry, true);
  }

  /** A child that a program of its parent's puppet cloned (with CLONE_PTRACE): it is stopped before its first instruction. */
  static child(who: Numbers, base: number): Puppet {
    const { pid } = who;
    waitStop(pid, { pid });
    roundTrips.stops++;
    return Puppet.#settle(who, base, base + AREA.trampoline + arch.entries.syscall, false);
  }

  /** Gives a stopped process an area of its own and starts the agent in it. */
  static #settle(who: Numbers, base: number, ip: number, first: boolean): Puppet {
    const { pid, inner, seen, levels, isI386 } = who;
    const from = first ? base : base + AREA.codeSize;
    const size = base + AREA.size - from;
    // a fresh 32-bit process may have its libraries' place anywhere
    const fixed = first && isI386 ? MAP_FIXED_NOREPLACE : MAP_FIXED;
    const flags = MAP_SHARED | MAP_ANONYMOUS | fixed;
    const what = "cannot map the agent's area";
    let regs = injectCall(pid, ip, NR.mmap, [from, size, PROT_RWX, flags, -1, 0]);
    check(arch.result(regs), what, { pid });
    const fd = check(
      openMapFile(pid, from, base + AREA.size, 2),
      "cannot open the agent's area",
      { pid },
      "run as root, or with CAP_CHECKPOINT_RESTORE",
    );
    let map: SharedView;
    try {
      map = new SharedView(fd, AREA.size, { pid }, { lead: from - base, touched: TOUCHED.restored });
    } finally {
      closeFd(fd);
    }
    const puppet = new Puppet(pid, inner, seen, levels, isI386, base, map);
    if (first) {
      // the code is private, so that children inherit it while they get an area of their own
      const own = [base, AREA.codeSize, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0];
      regs = injectCall(pid, ip, NR.mmap, own, regs);
      check(arch.result(regs), what, { pid });
      puppet.memory.write(base, embedded("agent"));
      puppet.memory.write(base + AREA.trampoline, arch.trampoline);
    }
    puppet.prepareControl(map.view, AREA.control);
    writeRegs(pid, arch.enter(regs, base, base + AREA.stackEnd, base + AREA.control));
    check(cont(pid), "cannot start a puppet", { pid });
    puppet.#state = "serving";
    return puppet;
  }

  /** Makes a control block of its agents. */
  prepareControl(view: DataView, at: number): void {
    view.setBigUint64(at + CONTROL.base, BigInt(this.base), true);
    view.setBigUint64(at + CONTROL.areaOps, BigInt(this.base + AREA.ops), true);
  }

  /** Clones a child process through this puppet; returns it, ready to serve. @param inner as the images call it */
  cloneChild(birth: Birth, inner = birth.numbers.at(-1) ?? 0): Puppet {
    const [own = 0] = birth.numbers;
    const { parent = this } = birth;
    const isPlain = birth.numbers.length === 1 && !birth.below && this.levels <= 1;
    const chance: Chance | undefined = isPlain
      ? this.chance((number) => this.#clone3({ ...birth, numbers: number }))
      : undefined;
    const choose = () => this.#clone3(birth);
    const levels = this.levels + (birth.below ?? 0);
    const numbering: Numbering | undefined = birth.next && {
      next: birth.next,
      make: (numbers) => this.#clone3({ ...birth, numbers }),
      numbersOf: (made) => numbersOfTask(this.levels > 0 ? hostPidOfChild(parent.pid, this.levels, made) : made),
      end: (made) => this.#endStray(made, parent),
    };
    const called = { numbers: birth.numbers, levels };
    const seen = chance
      ? choosePid({ numbers: [own], levels }, choose, chance)
      : numbering
        ? chooseNumbers(called, numbering)
        : requirePid(awaitPid(called, choose), called);
    const pid = this.levels > 0 ? hostPidOfChild(parent.pid, this.levels, seen) : seen;
    const { isI386 } = this;
    const child = Puppet.child({ pid, inner: inner || seen, seen, levels, isI386 }, this.base);
    child.last = this.last;
    child.born = this.born;
    return child;
  }

  /**
   * Executes a program of the other kind of code (see `isI386`): the process is a fresh puppet afterwards, and this object is used
   * up. Descriptors that are not close-on-exec stay.
   * @param place sends a descriptor of ours into the puppet, and returns its number there
   */
  executeOther(place: (fd: number) => number): Puppet {
    const { pid, inner, seen, levels, base } = this;
    const isI386 = !this.isI386;
    const elf = programFor(isI386);
    try {
      const theirs = place(elf);
      this.halt();
      this.halted();
      // name, argument list, environment
      const words = new BigUint64Array([0n, BigInt(base + AREA.near), 0n, 0n]);
      this.bytes.set(new Uint8Array(words.buffer), AREA.near);
      const [empty, argv, envp] = [base + AREA.near, base + AREA.near + 8, base + AREA.near + 24];
      const ip = base + AREA.trampoline + arch.entries.syscall;
      const args = [theirs, empty, argv, envp, AT_EMPTY_PATH];
      writeRegs(pid, arch.call(readRegs(pid), ip, base + AREA.stackEnd, NR.execveat, args));
      const next = () => {
        check(contToSyscall(pid), "cannot let a puppet go on", { pid });
        roundTrips.stops++;
        return waitStop(pid, { pid });
      };
      next();
      if (next().event !== PTRACE_EVENT.EXEC) {
        const error = sysError(arch.result(readRegs(pid)), "a task cannot execute its program", { pid });
        throw isI386 ? noI386(error) : error;
      }
      // to the end of the call: only there registers that we set stay
      next();
    } finally {
      closeFd(elf);
    }
    this[Symbol.dispose]();
    const fresh = Puppet.#settle({ pid, inner, seen, levels, isI386 }, base, arch.ip(readRegs(pid)), true);
    fresh.last = this.last;
    return fresh;
  }

  /** How tasks are made whose number this one may not choose; undefined where there is no way. */
  chance(
    make: (numbers: readonly number[]) => number,
    end = (seen: number) => this.#endStray(seen),
  ): Chance | undefined {
    if (this.levels > 0 && this.last === undefined) return undefined;
    return { next: () => make([]), end, last: this.levels > 0 ? this.last : undefined };
  }

  /** A child that got another number than it should: it is stopped before its first instruction. */
  #endStray(seen: number, parent: Puppet = this): void {
    const WALL = 0x40000000;
    const pid = this.levels > 0 ? hostPidOfChild(parent.pid, this.levels, seen) : seen;
    sys(NR.kill, pid, 9);
    while (wait(pid) === EINTR);
    parent.program.call(NR.wait4, [seen, 0, WALL, 0], { ignore: true });
    parent.program.run();
  }

  /** The new process is traced from its first instant on. */
  #clone3({ numbers, flags = 0, exitSignal = SIGCHLD }: Birth): number {
    const CLONE_PTRACE = 0x2000;
    const { program } = this;
    const args = this.cloneArgs(numbers, flags | CLONE_PTRACE, exitSignal, 0, 0);
    const call = program.call(NR.clone3, [args, 88], { ignore: true });
    program.run();
    return program.result(call);
  }

  /** struct clone_args (sched.h). @param numbers as in `Birth` */
  cloneArgs(numbers: readonly number[], flags: number, exitSignal: number, stack: number, stackSize: number): Data {
    const { program } = this;
    const args = program.reserve(88);
    const tids = program.reserve(8 * Math.ceil(Math.max(1, numbers.length) / 2));
    for (const [i, tid] of numbers.entries()) tids.view.setInt32(4 * i, tid, true);
    args.view.setBigUint64(0, BigInt(flags), true);
    args.view.setBigUint64(32, BigInt(exitSignal), true);
    args.view.setBigUint64(40, BigInt(stack), true);
    args.view.setBigUint64(48, BigInt(stackSize), true);
    if (numbers.some((tid) => tid > 0)) {
      args.view.setBigUint64(64, BigInt(this.base + tids.offset), true);
      args.view.setBigUint64(72, BigInt(numbers.length), true);
    }
    return args;
  }

  /** Stops the agent for good; afterwards calls are made by `inject`. */
  override halt(): void {
    if (this.#state === "serving") super.halt();
  }

  override halted(): void {
    if (this.#state !== "serving") return;
    super.halted();
    this.#state = "stopped";
  }

  /** Performs one call in the halted puppet; returns the registers afterwards. */
  inject(nr: number, args: readonly number[]): BigUint64Array {
    return injectCall(this.pid, this.base + AREA.trampoline + arch.entries.syscall, nr, args);
  }

  /**
   * Ends the process as `status` of wait(2) will tell it: with an exit code, or by a signal. It stays a zombie until its parent
   * reaps it.
   * @param name what /proc shows as its name from then on
   * @param mask blocked signals, which /proc shows too
   */
  end(status: number, name = "tscriu", mask = 0n): void {
    const signal = status & 0x7f;
    const { program, pid } = this;
    if (signal !== 0) {
      const PR_SET_DUMPABLE = 4;
      program.call(NR.prctl, [PR_SET_DUMPABLE, 0, 0, 0, 0]);
      program.call(NR.rt_sigaction, [signal, program.reserve(32), 0, 8], { ignore: true });
    }
    const PR_SET_NAME = 15;
    program.call(NR.prctl, [PR_SET_NAME, program.text(name), 0, 0, 0]);
    program.run();
    this.halt();
    this.halted();
    if (signal === 0) {
      setSigmask(pid, mask);
      const ip = this.base + AREA.trampoline + arch.entries.syscall;
      writeRegs(pid, arch.call(readRegs(pid), ip, this.base + AREA.stackEnd, NR.exit_group, [status >> 8]));
    } else {
      setSigmask(pid, 0n);
      sys(NR.kill, pid, signal);
    }
    // a SIGKILL may have ended it by now
    cont(pid);
    for (;;) {
      const seen = wait(pid);
      if (seen === EINTR) continue;
      if (typeof seen === "number" || seen === undefined || seen.kind !== "stopped") break;
      cont(pid, seen.event === 0 ? seen.signal : 0);
    }
    this.#state = "gone";
  }

  /** Unmaps the agent of the halted puppet; only registers remain to be set. Returns those that it has. */
  removeAgent(threads: number): BigUint64Array {
    const size = AREA.size + threads * THREAD_PAGE;
    const regs = this.inject(NR.munmap, [this.base, size]);
    check(arch.result(regs), "cannot unmap the agent", this.subject);
    return regs;
  }

  release(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    detach(this.pid);
  }

  [Symbol.dispose](): void {
    this.memory[Symbol.dispose]();
    this.#map[Symbol.dispose]();
    this.threads?.[Symbol.dispose]();
  }
}
