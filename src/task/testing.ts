/** For tests: a small C program that gets itself into some state, and our agent inside it. */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { arch } from "../agent/arch/index.ts";
import { type Errand, send } from "../agent/errand.ts";
import { Home } from "../agent/home.ts";
import { Parasite } from "../agent/parasite.ts";
import { Tracee } from "../agent/tracee.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { readMaps } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { cont, detach, interrupt, seize, waitStop } from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_EVENT, PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { CallByCall } from "./questions.ts";

export const isRoot = process.getuid?.() === 0;

const HEAD = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void ready(void) { write(1, "ready\\n", 6); }
`;

const BUILT = join(import.meta.dir, "../../build/victims");
const compiled = new Map<string, Promise<string>>();
let last: Promise<unknown> = Promise.resolve();

/**
 * The program of a text, named by its hash and built once: path. One after the other, and nobody waits for it who has another:
 * victims of tests beside each other are to be stopped in time.
 */
function compile(text: string): Promise<string> {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const directory = join(BUILT, new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16));
  const program = join(directory, "victim");
  const build = async () => {
    if (existsSync(program)) return program;
    mkdirSync(directory, { recursive: true });
    const fresh = `${program}.${process.pid}`;
    const words = ["gcc", "-O1", "-w", "-pthread", "-xc", "-", "-o", fresh];
    const gcc = Bun.spawn(words, { stdin: new TextEncoder().encode(text), stderr: "inherit" });
    if ((await gcc.exited) !== 0) throw new Error("the victim does not compile");
    renameSync(fresh, program);
    return program;
  };
  const job = last.then(build, build);
  last = job;
  compiled.set(text, job);
  return job;
}

/** A program that does `body`, in which `ready()` says that the state is there. */
export class Victim implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #reader: { read(): Promise<{ done: boolean; value?: Uint8Array }> };
  #said = "";

  private constructor(argv: string[]) {
    this.#child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe" });
    this.#reader = this.#child.stdout.getReader();
  }

  static async start(
    body: string,
    { globals = "", command = [] }: { globals?: string; command?: string[] } = {},
  ): Promise<Victim> {
    const program = await compile(`${HEAD}${globals}\nint main(void) {\n${body}\nreturn 0; }\n`);
    const victim = new Victim([...command, program]);
    await victim.line("ready");
    return victim;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Its next line of output; with `expected` it must be that. */
  async line(expected?: string): Promise<string> {
    while (!this.#said.includes("\n")) {
      const { done, value } = await this.#reader.read();
      if (done) throw new Error(`the victim ended: ${await this.#child.exited} ${this.#child.signalCode}`);
      this.#said += new TextDecoder().decode(value);
    }
    const end = this.#said.indexOf("\n");
    const line = this.#said.slice(0, end);
    this.#said = this.#said.slice(end + 1);
    if (expected !== undefined && line !== expected) throw new Error(`the victim said ${line}`);
    return line;
  }

  /** Lets it go on behind a read from standard input. */
  go(): void {
    this.#child.stdin.write("x");
    this.#child.stdin.flush();
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

/** Stops a thread for us. */
export function stop(tid: number, options = 0): void {
  check(seize(tid, PTRACE_O.TRACESYSGOOD | options), "cannot trace the victim", { tid });
  check(interrupt(tid), "cannot stop the victim", { tid });
  for (let seen = waitStop(tid); seen.event !== PTRACE_EVENT.STOP; seen = waitStop(tid)) cont(tid, seen.signal);
}

/** A victim's leader, stopped, with the agent inside after `infect`. Dispose of it and the victim goes on as it was. */
export class Held implements Disposable {
  readonly dir: ProcDir;
  readonly memory: RemoteMemory;
  readonly tracee: Tracee;
  #home: Home | undefined;
  #parasite: Parasite | undefined;

  constructor(
    readonly pid: number,
    readonly filtered = false,
  ) {
    stop(pid, filtered ? PTRACE_O.SUSPEND_SECCOMP : 0);
    this.dir = new ProcDir(pid);
    this.memory = new RemoteMemory(pid);
    this.tracee = new Tracee(pid, pid);
  }

  get home(): Home {
    this.#home ??= new Home(this.pid, this.memory, areas(this.dir), this.tracee.fp.length, [arch.sp(this.tracee.regs)]);
    return this.#home;
  }

  get program(): Parasite["program"] {
    this.#parasite ??= new Parasite(this.tracee, this.home, this.memory, this.filtered);
    return this.#parasite.program;
  }

  /** Asks a thread that is stopped too, call by call. */
  other(tid: number): { questions: CallByCall; tracee: Tracee; restore(): void } {
    const tracee = new Tracee(tid, this.pid);
    const { sp, scratch } = this.home.frameFor(tracee, 1);
    const call = (nr: number, args: number[]) => tracee.syscall(this.home.trampoline, sp, nr, args);
    const read = (address: number, length: number) => this.memory.read(address, length);
    const restore = () => tracee.restore(this.home.trampoline, sp);
    return { tracee, restore, questions: new CallByCall({ call, scratch, read }, { tid }) };
  }

  /** Lets threads that `other` was called for make their calls by themselves. Needs the agent. */
  send<T>(tracees: readonly Tracee[], ask: (errand: Errand) => () => T): T[] {
    if (!this.#parasite) throw new Error("no agent is in the task");
    return tracees.flatMap((tracee) => send([tracee], this.home, this.#parasite as Parasite, ask));
  }

  /** Takes the agent out; the leader stands stopped. */
  cure(): void {
    this.#parasite?.cure();
    this.#home?.[Symbol.dispose]();
    this.#parasite?.[Symbol.dispose]();
    this.#parasite = undefined;
    this.#home = undefined;
  }

  [Symbol.dispose](): void {
    this.cure();
    detach(this.pid);
    this.memory[Symbol.dispose]();
    this.dir[Symbol.dispose]();
  }
}

export function areas(dir: ProcDir) {
  return readMaps(dir).map((vma) => ({
    start: vma.start,
    end: vma.end,
    readable: (vma.prot & 1) !== 0,
    writable: (vma.prot & 2) !== 0,
    executable: (vma.prot & 4) !== 0,
    shared: vma.shared,
    special: vma.name.startsWith("[v") && vma.name !== "[vdso]",
    locked: false,
    name: vma.name,
  }));
}
