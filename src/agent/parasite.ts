import { CrError, type Subject } from "../error.ts";
import { embedded } from "../kernel/embedded.ts";
import { openMapFile, type RemoteMemory, SharedView } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { cont, leadsHome, TaskGone, wait } from "../kernel/ptrace.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { arch } from "./arch/index.ts";
import type { Home } from "./home.ts";
import { AREA, CONTROL, GATE, STATE_LEAVE, STATE_RUN, TOUCHED } from "./layout.ts";
import { Pins } from "./pins.ts";
import { type Area, type Data, Program } from "./program.ts";
import { roundTrips, type Tracee, writeRegs } from "./tracee.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const PROT_RWX = 7;
const MAP_FIXED = 0x10;
const EACCES = -13;
const MAP_SHARED = 1;
const MAP_ANONYMOUS = 0x20;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const MFD_CLOEXEC = 1;
const EAGAIN = -11;
const EINTR = -4;
const EMFILE = -24;
const ENOMEM = -12;
/** What helps a task that has no memory for us. With mlockall what it maps counts as locked. */
const LIMITS: ReadonlyMap<number, string> = new Map([
  [EAGAIN, "all that the task may lock is locked: raise its limit (prlimit --memlock)"],
  [ENOMEM, "all that the task may map is mapped: raise its limit (prlimit --as)"],
]);
const CPUS = navigator.hardwareConcurrency;
/** How often we look whether the task died or stopped while we wait for its agent, microseconds. */
const LOOK_EVERY = 50_000;
/** What stands for the record that an agent has stopped at as long as it has not. */
const RUNS = 0xffff_ffff;

/**
 * The agent inside a frozen task's leader. The area is a shared mapping that only lives as long as the dump; the agent waits
 * in a plain read, so the kernel's restart block of the interrupted call stays as it is.
 */
export class Parasite implements Area, Disposable {
  readonly subject: Subject;
  readonly program: Program;
  readonly #map: SharedView;
  /** Our end of the socket, and the number of the task's end. */
  readonly #socket: number;
  readonly #theirs: number;
  readonly #sp: number;
  readonly #scratch: number;
  #base = 0;
  readonly #byte = new Uint8Array(1);
  #running = false;
  #settled = false;
  /** Our end of the socket lets us look at the task while we wait. */
  #looks = false;
  /** Calls of the program that it begins with, until we have heard of its end. */
  #first: number | undefined;
  readonly pins: Pins;
  /** Messages to send; `parts` is what the header points to, which must not be collected before. */
  #queued: { header: BigUint64Array; parts: readonly ArrayBufferView[] }[] = [];

  /**
   * Injects the agent into `leader`, which is stopped and whose fp and registers are known.
   * @param filtered the task has seccomp: at our death it may only call rt_sigreturn
   * @param where the CPU that `leader` is pinned to before it first runs the agent, and what it calls itself; where it might run
   * before, if it is there already
   * @param first appends the program that the agent begins with by itself: `settleFirst` waits for its end
   */
  constructor(
    readonly leader: Tracee,
    readonly home: Home,
    memory: RemoteMemory,
    readonly filtered: boolean,
    where?: { readonly cpu: number; readonly own: number; readonly before: Uint8Array | undefined },
    first?: (program: Program) => void,
  ) {
    const { pid } = leader;
    this.subject = { pid };
    this.pins = new Pins(this, leader.tid, filtered);
    const { sp, scratch } = home.frameFor(leader);
    this.#sp = sp;
    this.#scratch = scratch;
    leader.roams = where !== undefined && where.before === undefined && CPUS > 1;
    const pidfd = pidfdOpen(pid);
    try {
      const fd = this.#mapArea(memory, pidfd);
      this.#map = new SharedView(fd, AREA.size, this.subject, { touched: TOUCHED.asked });
      sys(NR.close, fd);
      leadsHome(leader.tid, 1, this.base, AREA.codeSize);
      this.bytes.set(embedded("agent"), AREA.code);
      this.#writeControl();
      this.#socket = this.#connect(pidfd, () => {
        if (where) this.pins.put(leader.tid, where.cpu, where.own, where.before);
      });
    } catch (error) {
      this.#takeBack();
      throw error;
    } finally {
      sys(NR.close, pidfd);
    }
    this.#theirs = this.#pair(0);
    this.program = new Program(this);
    if (first) {
      first(this.program);
      this.#first = this.program.close();
      this.#order(this.#first);
      this.view.setUint32(AREA.control + CONTROL.state, STATE_RUN, true);
    }
    check(cont(leader.tid), "cannot start the agent", this.subject);
    this.#running = true;
  }

  /** Waits for the end of the program that the agent began with, before it is given another. */
  settleFirst(): void {
    const count = this.#first;
    if (count === undefined) return;
    this.#first = undefined;
    this.program.settle(count, this.#finish());
  }

  /** One injected call, home by the frame. */
  #call(nr: number, args: number[], what: string, undone = false): number {
    return check(this.leader.syscall(this.home.trampoline, this.#sp, nr, args, undone), what, this.subject);
  }

  #pair(end: 0 | 1): number {
    return this.view.getInt32(AREA.control + CONTROL.pair + end * 4, true);
  }

  /** Maps the area into the task and opens it for us. */
  #mapArea(memory: RemoteMemory, pidfd: number): number {
    const what = "cannot map the agent's area";
    const anonymous = [this.home.room, AREA.size, PROT_RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0];
    const made = this.leader.syscall(this.home.trampoline, this.#sp, NR.mmap, anonymous, true);
    if (made === EACCES) return this.#mapApart(memory, pidfd);
    this.#base = check(made, what, this.subject, LIMITS.get(made));
    const fd = openMapFile(this.leader.pid, this.base, this.base + AREA.size, 2);
    if (fd >= 0) return fd;
    // without the right to open map_files: the same by a memfd
    this.#call(NR.munmap, [this.base, AREA.size], "cannot unmap the agent's area");
    this.#base = 0;
    const theirs = this.#memfd(memory);
    this.#base = this.#call(NR.mmap, [this.home.room, AREA.size, PROT_RWX, MAP_SHARED, theirs, 0], what, true);
    const ours = pidfdGetfd(pidfd, theirs);
    this.#call(NR.close, [theirs], "cannot close a descriptor");
    return ours;
  }

  #memfd(memory: RemoteMemory): number {
    memory.write(this.#scratch, cstring("tscriu"));
    const theirs = this.#call(NR.memfd_create, [this.#scratch, MFD_CLOEXEC], "cannot make the agent's area");
    this.#call(NR.ftruncate, [theirs, AREA.size], "cannot size the agent's area");
    return theirs;
  }

  /** For tasks that may have no memory that is writable and executable (PR_SET_MDWE, SELinux): code and data apart. */
  #mapApart(memory: RemoteMemory, pidfd: number): number {
    const what = "cannot map the agent's area";
    const theirs = this.#memfd(memory);
    const code = [this.home.room, AREA.size, PROT_READ | PROT_EXEC, MAP_SHARED, theirs, 0];
    this.#base = this.#call(NR.mmap, code, what, true);
    const data = this.base + AREA.codeSize;
    const flags = MAP_SHARED | MAP_FIXED;
    const size = AREA.size - AREA.codeSize;
    this.#call(NR.mmap, [data, size, PROT_READ | PROT_WRITE, flags, theirs, AREA.codeSize], what);
    const ours = pidfdGetfd(pidfd, theirs);
    this.#call(NR.close, [theirs], "cannot close a descriptor");
    return ours;
  }

  /**
   * Makes the socket, and takes one end of it. The agent does so by itself, as its first call, so that it gives up its end when
   * we die meanwhile. Under seccomp it could not: then we inject the calls, and a task that loses us meanwhile keeps them.
   * @param entered called when the leader's registers lead to the agent, which takes back what was done to it when we die
   */
  #connect(pidfd: number, entered: () => void): number {
    const what = "cannot make the agent's socket";
    const at = this.base + AREA.control;
    if (this.filtered) {
      this.#call(NR.socketpair, [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, at + CONTROL.pair], what);
      const ours = pidfdGetfd(pidfd, this.#pair(1));
      this.#call(NR.close, [this.#pair(1)], "cannot close a descriptor");
      this.#enter();
      return ours;
    }
    this.#enter();
    entered();
    this.leader.roams = false;
    const made = this.leader.toCallEnd();
    check(
      made,
      what,
      this.subject,
      made === EMFILE ? "all descriptors of the task are in use: raise its limit (prlimit --nofile)" : undefined,
    );
    return pidfdGetfd(pidfd, this.#pair(1));
  }

  /** Sets the leader's registers to the agent's beginning. */
  #enter(): void {
    const { base } = this;
    writeRegs(
      this.leader.tid,
      arch.enter(this.leader.regs, base + AREA.code, base + AREA.stackEnd, base + AREA.control),
    );
  }

  /** Undoes an injection that failed half-way. */
  #takeBack(): void {
    const { leader, home } = this;
    leader.roams = false;
    try {
      this.pins.takeBack();
      if (this.base > 0) leader.syscall(home.trampoline, this.#sp, NR.munmap, [this.base, AREA.size]);
      home.leave(leader, this.#sp, this.filtered);
    } catch {
      // it is gone: the error that led here says so
    }
  }

  /** Address of the area in the task. */
  get base(): number {
    return this.#base;
  }

  get bytes(): Uint8Array {
    return this.#map.bytes;
  }

  get view(): DataView {
    return this.#map.view;
  }

  #writeControl(): void {
    const { view } = this;
    const at = AREA.control;
    view.setUint32(at + CONTROL.socket, 1, true);
    view.setBigInt64(at + CONTROL.pair, -1n, true);
    view.setUint32(at + CONTROL.filtered, this.filtered ? 1 : 0, true);
    view.setUint32(GATE.at, GATE.closed, true);
    view.setBigUint64(at + CONTROL.leaveIp, BigInt(this.home.trampoline + arch.entries.syscall), true);
    view.setBigUint64(at + CONTROL.leaveSp, BigInt(this.#sp), true);
    view.setBigUint64(at + CONTROL.base, BigInt(this.base), true);
    view.setBigUint64(at + CONTROL.size, BigInt(AREA.size), true);
    view.setBigUint64(at + CONTROL.areaOps, BigInt(this.base + AREA.ops), true);
  }

  execute(ops: number, watch?: () => void): number {
    this.#start(ops);
    return this.#finish(watch);
  }

  /** As `run` of its program in two steps: what it returns waits for the end. */
  launch(): (watch?: () => void) => void {
    const count = this.program.close();
    this.#start(count);
    return (watch) => this.program.settle(count, this.#finish(watch));
  }

  #order(ops: number): void {
    this.view.setUint32(AREA.control + CONTROL.ops, ops, true);
    this.view.setUint32(AREA.control + CONTROL.stopped, RUNS, true);
    roundTrips.programs++;
  }

  #start(ops: number): void {
    this.#order(ops);
    this.#byte[0] = 1;
    const sent = sys(NR.sendto, this.#socket, addressOf(this.#byte), 1, MSG_NOSIGNAL, 0, 0);
    if (sent !== 1) throw new CrError("the agent does not listen any more", { code: "ESRCH", subject: this.subject });
    // behind the byte that wakes it: the program's recvmsg calls take these
    const messages = this.#queued;
    this.#queued = [];
    for (const { header } of messages) {
      check(sys(NR.sendmsg, this.#socket, addressOf(header), MSG_NOSIGNAL), "cannot send a descriptor", this.subject);
    }
  }

  #finish(watch?: () => void): number {
    this.#await(watch);
    this.#settled = true;
    return this.view.getUint32(AREA.control + CONTROL.stopped, true);
  }

  /** Waits for the agent's answer; a task that stops or dies meanwhile is noticed. */
  #await(watch?: () => void): void {
    if (!this.#looks && this.#hasAnswered()) return;
    for (;;) {
      const got = sys(NR.read, this.#socket, addressOf(this.#byte), 1);
      if (got === 1) return;
      if (got === 0) throw new CrError("the agent has gone", { code: "ESRCH", subject: this.subject });
      if (got !== EAGAIN && got !== EINTR) check(got, "cannot hear the agent", this.subject);
      this.#look();
      try {
        watch?.();
      } catch (error) {
        // whoever hears of it may use the agent at once
        this.#await();
        throw error;
      }
    }
  }

  /** While we were busy with others, most likely: one that has is not waited for. If it has not, we look at it from now on. */
  #hasAnswered(): boolean {
    const isDone = this.view.getUint32(AREA.control + CONTROL.stopped, true) !== RUNS;
    if (isDone && sys(NR.recvfrom, this.#socket, addressOf(this.#byte), 1, MSG_DONTWAIT, 0, 0) === 1) return true;
    const timeout = new BigInt64Array([0n, BigInt(LOOK_EVERY)]);
    sys(NR.setsockopt, this.#socket, SOL_SOCKET, SO_RCVTIMEO, addressOf(timeout), 16);
    this.#looks = true;
    return false;
  }

  #look(): void {
    const seen = wait(this.leader.tid, WAIT.NOHANG);
    if (seen === undefined) return;
    if (typeof seen === "number") throw new CrError("lost a traced task", { code: "ESRCH", subject: this.subject });
    if (seen.kind !== "stopped") {
      this.#running = false;
      throw new TaskGone(this.leader.tid, seen);
    }
    if (seen.event !== PTRACE_EVENT.STOP) this.leader.stopWanted = true;
    cont(this.leader.tid);
  }

  /**
   * Sends a descriptor of ours to the task; the program appended by `receive` takes it there. Returns the place that holds its
   * number afterwards.
   */
  receiveFd(program: Program, fd: number): Data {
    const control = new Uint8Array(24);
    const words = new DataView(control.buffer);
    words.setBigUint64(0, 20n, true);
    words.setInt32(8, SOL_SOCKET, true);
    words.setInt32(12, 1, true);
    words.setInt32(16, fd, true);
    const byte = Uint8Array.of(2);
    const iov = new BigUint64Array([BigInt(addressOf(byte)), 1n]);
    const header = new BigUint64Array([0n, 0n, BigInt(addressOf(iov)), 1n, BigInt(addressOf(control)), 24n, 0n]);
    const place = program.reserve(24);
    const message = program.reserve(56);
    const theirIov = program.reserve(24);
    theirIov.view.setBigUint64(0, BigInt(this.base + theirIov.offset + 16), true);
    theirIov.view.setBigUint64(8, 1n, true);
    message.view.setBigUint64(16, BigInt(this.base + theirIov.offset), true);
    message.view.setBigUint64(24, 1n, true);
    message.view.setBigUint64(32, BigInt(this.base + place.offset), true);
    message.view.setBigUint64(40, 24n, true);
    // nothing comes when we die meanwhile, and no descriptor when the task has no number left
    place.view.setInt32(16, -1, true);
    program.call(NR.recvmsg, [this.#theirs, message, 0x40000000], { expect: 1, what: "cannot receive a descriptor" });
    this.#queued.push({ header, parts: [control, byte, iov] });
    return place.at(16);
  }

  /**
   * Takes the agent out; the leader stands stopped as it was found. The last frame stays until the caller has removed the home.
   */
  cure(): void {
    if (!this.#running) return;
    if (this.#first !== undefined) this.#finish();
    // an agent that has not run a program may not have closed the other end of its socket yet
    if (!this.#settled) this.execute(0);
    this.#running = false;
    this.pins.takeBack();
    this.leader.call();
    this.leader.halt();
    if (this.filtered) {
      this.#call(NR.close, [this.#theirs], "cannot close the agent's socket");
      this.#call(NR.munmap, [this.base, AREA.size], "cannot unmap the agent");
    } else {
      // it does the same by itself, so that it also does without us
      this.view.setUint32(AREA.control + CONTROL.state, STATE_LEAVE, true);
      this.#enter();
      this.leader.toCallEnd();
      check(this.leader.toCallEnd(), "cannot unmap the agent", this.subject);
    }
    this.home.leave(this.leader, this.#sp, this.filtered);
  }

  /** Closes our side. A task that still runs the agent (we failed badly) leaves by itself at the end of file. */
  [Symbol.dispose](): void {
    sys(NR.close, this.#socket);
    this.#map[Symbol.dispose]();
  }
}
