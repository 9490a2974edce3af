import { expect, test } from "bun:test";
import { decode, encode } from "../image/codec.ts";
import { decodeImage } from "../image/framing.ts";
import type { CoreEntry } from "../image/schema.gen.ts";
import { samplesMissing, unpackSamples } from "../image/testing.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { detach } from "../kernel/ptrace.ts";
import { askLeader, buildLeader, buildThread, buildZombie, planThread, readThread } from "./core.ts";
import { askSecurebits, dumpCreds } from "./creds.ts";
import { askPosixTimers, readTimers } from "./posix-timers.ts";
import { readProcess, restoreProcessOutside } from "./process.ts";
import { restoreIdentity, restoreLast, restoreState } from "./restore.ts";
import { readRlimits } from "./rlimits.ts";
import { readSched, restoreSched } from "./sched.ts";
import { SeccompChains } from "./seccomp.ts";
import { dumpPending } from "./signals.ts";
import { Held, isRoot, stop, Victim } from "./testing.ts";
import { askThread } from "./thread.ts";

const GLOBALS = `
static volatile int there;
static void *worker(void *p) {
  static char stack[65536]; stack_t s = { .ss_sp = stack, .ss_size = sizeof stack }; sigaltstack(&s, 0);
  prctl(PR_SET_NAME, "worker"); prctl(PR_SET_PDEATHSIG, 12);
  sigset_t m; sigfillset(&m); sigdelset(&m, SIGCHLD); pthread_sigmask(SIG_SETMASK, &m, 0);
  pthread_kill(pthread_self(), SIGUSR2); there = 1; for (;;) pause();
}
static void on(int n) {}
`;
const BODY = `
  prctl(PR_SET_NAME, "leader"); prctl(PR_SET_CHILD_SUBREAPER, 1); prctl(PR_SET_DUMPABLE, 0); signal(SIGUSR1, on);
  prctl(PR_SET_PDEATHSIG, 10); syscall(SYS_membarrier, 16, 0, 0);
  sigset_t m; sigfillset(&m); sigprocmask(SIG_BLOCK, &m, 0); raise(SIGUSR1); sigqueue(getpid(), SIGRTMIN, (union sigval){ 3 });
  int fd = open("/proc/self/coredump_filter", O_WRONLY); write(fd, "0x7f", 4);
  fd = open("/proc/self/oom_score_adj", O_WRONLY); write(fd, "77", 2);
  struct itimerval i = { { 5, 6 }, { 1000, 0 } }; setitimer(ITIMER_REAL, &i, 0);
  struct itimerspec s = { { 7, 0 }, { 3000, 0 } }; timer_t t; timer_create(CLOCK_REALTIME, 0, &t); timer_settime(t, 0, &s, 0);
  sigprocmask(SIG_UNBLOCK, &(sigset_t){ 0 }, 0); pthread_t w; pthread_create(&w, 0, worker, 0); while (!there) usleep(1000);
  ready(); for (;;) pause();
`;

/** All entries of a victim with up to one thread besides the leader. */
function dump(held: Held): CoreEntry[] {
  const { pid, dir, memory } = held;
  const tids = dir.list("task");
  const others = tids.filter((tid) => tid !== pid);
  for (const tid of others) stop(tid);
  const outside = readProcess(dir, parseStat(dir.text("stat")));
  const process = { outside, rlimits: readRlimits(dir), pending: dumpPending(pid, true) };
  const traced = others.map((tid) => held.other(tid));
  const found = [held.tracee, ...traced.map(({ tracee }) => tracee)];
  const states = found.map((tracee) => {
    using thread = dir.thread(tracee.tid);
    const raw = { tid: tracee.tid, general: tracee.regs, extended: tracee.fp, mask: tracee.mask };
    return readThread(raw, thread, memory, readSched(tracee.tid));
  });
  const leader = askLeader(held.program);
  const posix = askPosixTimers(held.program, readTimers(dir));
  held.program.run();
  const sent = held.send(
    traced.map(({ tracee }) => tracee),
    askThread,
  );
  const chains = new SeccompChains().addProcess(states.map((state) => state.seccomp));
  const entries = states.map((state, i) => {
    const { image } = planThread(state, memory, undefined, 0, process);
    if (i === 0)
      return buildLeader(state, { ...leader(), posix: posix() }, image, chains[0] ?? {}, process, { cgSet: 1 });
    const other = traced[i - 1];
    if (!other) throw new Error("no such thread");
    const answers = askThread(other.questions)();
    expect(sent[i - 1]).toEqual(answers);
    return buildThread(state, answers, image, chains[i] ?? {}, { cgSet: 1 });
  });
  for (const { tracee, restore } of traced) {
    restore();
    detach(tracee.tid);
  }
  return entries.map((entry) => decode("core_entry", encode("core_entry", entry)));
}

/** Names of all fields that are set, as paths; lists count when they hold something. */
function fieldsOf(entry: object, path = ""): string[] {
  return Object.entries(entry).flatMap(([name, value]) => {
    const at = `${path}.${name}`;
    if (Array.isArray(value)) return value.length > 0 ? [at] : [];
    if (value instanceof Uint8Array || typeof value !== "object" || value === null) return [at];
    return [at, ...fieldsOf(value, at)];
  });
}

const ours = (field: string) => !field.includes("tscriu_");

test.skipIf(!isRoot || samplesMissing !== undefined || process.arch !== "x64")(
  "leader, thread and zombie have the fields that CRIU gives them",
  async () => {
    using samples = unpackSamples();
    const sample = (set: string, image: string) => {
      const bytes = samples.images.find((s) => s.set === set && s.image === image)?.bytes;
      if (!bytes) throw new Error(`no ${set}/${image}`);
      return fieldsOf(decodeImage(bytes, image).entries[0] ?? {});
    };
    await using victim = await Victim.start(BODY, { globals: GLOBALS });
    using held = new Held(victim.pid);
    const [leader, thread] = dump(held);
    if (!leader || !thread) throw new Error("two threads");
    const leaderSample = sample("threads", "core-19201.img");
    const has = [...leaderSample, ".tc.membarrier_registration_mask", ".thread_core.pdeath_sig"];
    // what this kernel and CPU have, the sample's may lack, and the other way round
    const byMachine = (field: string) => ours(field) && !/loginuid|\.xsave\.|signals_p\.signals/.test(field);
    expect(fieldsOf(leader).filter(byMachine).sort()).toEqual(has.filter(byMachine).sort());
    const threadSample = [...sample("threads", "core-19203.img"), ".thread_core.pdeath_sig"];
    expect(fieldsOf(thread).filter(byMachine).sort()).toEqual(threadSample.filter(byMachine).sort());
    expect(leader.tc?.comm).toBe("leader");
    expect(thread.thread_core).toMatchObject({ comm: "worker", pdeath_sig: 12 });
    expect(BigInt(leader.tc?.blk_sigset ?? 0) ^ BigInt(thread.thread_core?.blk_sigset ?? 0)).toBe(1n << 16n);
    expect(thread.thread_core?.sas).toMatchObject({ ss_size: 65536, ss_flags: 0 });
    expect(thread.thread_core?.signals_p?.signals.length).toBe(1);
    const zombieSample = sample("tree", "core-19181.img");

    await using parent = await Victim.start(
      "if (fork() == 0) _exit(7); siginfo_t i; waitid(P_ALL, 0, &i, WEXITED | WNOWAIT); ready(); pause();",
      {
        globals: "#include <sys/wait.h>",
      },
    );
    using dir = new ProcDir(parent.pid);
    using child = new ProcDir(Number(dir.text(`task/${parent.pid}/children`)));
    const zombie = decode("core_entry", encode("core_entry", buildZombie(child)));
    expect(fieldsOf(zombie).sort()).toEqual(zombieSample.sort());
    expect(zombie.tc).toMatchObject({ task_state: 2, exit_code: 7 << 8 });
  },
);

test.skipIf(!isRoot)("a leader's three programs make another process the same", async () => {
  await using from = await Victim.start(BODY, { globals: GLOBALS });
  await using to = await Victim.start("ready(); for (;;) pause();");
  using source = new Held(from.pid);
  const [wanted] = dump(source);
  if (!wanted) throw new Error("no leader");
  using target = new Held(to.pid);
  const { program } = target;
  const who = { pid: to.pid, tid: to.pid };
  // its memory is another: these would lead it astray
  if (wanted.thread_core) delete wanted.thread_core.rseq_entry;
  restoreProcessOutside(target.dir, wanted.tc ?? fail());
  restoreState(program, wanted, who);
  program.run();
  const securebits = askSecurebits(program);
  program.run();
  const creds = dumpCreds(parseStatus(target.dir.text("status")), securebits());
  restoreIdentity(program, wanted, who, { creds, rlimits: readRlimits(target.dir) }, undefined);
  program.run();
  restoreLast(program, wanted, 0);
  program.run();
  restoreSched(to.pid, wanted.thread_core ?? {}, readSched(to.pid));
  target.cure();
  const [got] = dump(target);
  const volatile = { flags: 0, blk_sigset: 0, timers: undefined };
  expect<object>({ ...got?.tc, ...volatile }).toEqual({ ...wanted.tc, ...volatile });
  expect(got?.tc?.timers?.posix.map((t) => [t.it_id, t.isec])).toEqual([[0, 7]]);
  expect(got?.tc?.timers?.real.isec).toBe(5);
  const { rseq_entry: _, ...rest } = got?.thread_core ?? fail();
  expect<object | undefined>(rest).toEqual(wanted.thread_core);
  expect(got?.thread_info?.clear_tid_addr).toBe(wanted.thread_info?.clear_tid_addr);
});

function fail(): never {
  throw new Error("not there");
}
