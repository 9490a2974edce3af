/** tscriu dies by SIGKILL at any instant of a dump: nobody gets hurt, and nothing is left in anybody. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { m32 } from "../lib/compile.ts";
import { describeStatus, Keeper } from "../lib/keeper.ts";
import { noI386 } from "../lib/needs.ts";
import type { Snapshot } from "../lib/snapshot.ts";
import { apart } from "./lib/apart.ts";
import { type Instant, spread, strike } from "./lib/kill.ts";
import { cProgram, goIsMissing, goProgram } from "./lib/programs.ts";
import { Turns } from "./lib/turns.ts";
import { Scratch, until, Victim, type VictimOptions } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 900_000;
/** How often each victim loses its dumper, in each of the two ways to end a dump. */
const kills = Number(process.env.UNHARMED_KILLS ?? 200);

/** Each of these is a chain of processes: as many at a time as there are CPUs for them. */
const turns = new Turns(Math.max(2, availableParallelism()));

/** Instants are so many parts of a whole dump. */
const PARTS = 1_000_000;

/** One victim after another, for a dump that may end them. */
class Stand {
  #victim: Victim | undefined;
  #before: Snapshot | undefined;
  /** How the last one ended. */
  ended = "";

  constructor(
    readonly keeper: Keeper,
    readonly scratch: Scratch,
    readonly argv: () => string[],
    readonly options: VictimOptions,
  ) {}

  async victim(): Promise<{ victim: Victim; before: Snapshot }> {
    if (this.#victim && this.#before) return { victim: this.#victim, before: this.#before };
    this.#victim = await Victim.start(this.keeper, this.scratch, this.argv(), this.options);
    this.#before = await this.#victim.settled();
    return { victim: this.#victim, before: this.#before };
  }

  /** The last that the victim wrote. */
  words(): string {
    return this.#victim?.words().slice(-400) ?? "";
  }

  /** All of it lives as before, or all of it is gone. Which: true for gone. */
  async wholeOrGone(pids: number[]): Promise<boolean> {
    const { victim, before } = await this.victim();
    const isGone = async () => {
      let gone = false;
      await until("a part of the tree is gone", () => {
        const alive = pids.filter((pid) => existsSync(`/proc/${pid}/exe`));
        gone = alive.length === 0;
        return gone || alive.length === pids.length ? undefined : `these are left: ${alive.join(" ")}`;
      });
      return gone;
    };
    let gone = await isGone();
    try {
      if (!gone) await victim.wellAs(before);
    } catch (error) {
      // it was about to end
      gone = await isGone();
      if (!gone) throw error;
    }
    if (!gone) return false;
    this.#victim = undefined;
    this.ended = describeStatus(await this.keeper.ended(victim.pid));
    return true;
  }
}

interface Tally {
  killed: number;
  finished: number;
  gone: number;
}

const isThere = (pid: number) => existsSync(`/proc/${pid}/exe`);

/** What is left of a tree, and is not stopped as it was, or still traced. */
function unstopped(pids: readonly number[]): string | undefined {
  const text = (pid: number) => (isThere(pid) ? readFileSync(`/proc/${pid}/status`, "latin1") : "");
  const wrong = pids.filter(isThere).filter((pid) => !/State:\tT[\s\S]*TracerPid:\t0\n/.test(text(pid)));
  return wrong.length > 0 ? `these are not stopped: ${wrong.join(" ")}` : undefined;
}

async function stop({ pids }: Victim): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await until("the victim does not stop", () => unstopped(pids));
}

async function goOn(pids: readonly number[]): Promise<void> {
  await until("the victim has been continued", () => unstopped(pids));
  for (const pid of pids.filter(isThere)) process.kill(pid, "SIGCONT");
}

async function killOften(
  { argv, options = {}, isApart, isStopped }: Kind,
  words: string[],
  times: number,
): Promise<Tally> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const around = isApart ? await apart(keeper, scratch) : undefined;
  const under = around?.under ?? [];
  const stand = new Stand(keeper, scratch, () => [...under, ...argv(around?.directory ?? scratch.path)], options);
  const images = scratch.file("images");
  mkdirSync(images);
  const tally: Tally = { killed: 0, finished: 0, gone: 0 };
  const dump = (pid: number, more: string[]) => [
    "dump",
    "-t",
    String(pid),
    "-D",
    images,
    "-o",
    "dump.log",
    "--link-remap",
    ...more,
  ];
  /** Links that keep files for a set: they are left by one that is complete, and only by that. */
  const clear = () => {
    const all = readdirSync(scratch.path, { recursive: true, encoding: "utf8" });
    const links = all.filter((name) => /\blink_remap\.\d+$/.test(name));
    if (!existsSync(`${images}/inventory.img`)) expect(links).toEqual([]);
    for (const link of links) rmSync(scratch.file(link));
    rmSync(`${images}/inventory.img`, { force: true });
  };
  const first = await stand.victim();
  const counted = await strike(
    { at: "call", n: -2 },
    first.victim.pid,
    dump(first.victim.pid, ["--leave-running"]),
    under,
  );
  expect(counted.status).toBe(0);
  clear();
  const clocked = await strike(
    { at: "after", n: 1e9 },
    first.victim.pid,
    dump(first.victim.pid, ["--leave-running"]),
    under,
  );
  await first.victim.wellAs(first.before);
  clear();
  /** How long a dump takes by either measure: what one that ended by itself says is the best guess for the next. */
  const whole = { call: counted.calls, after: clocked.us, start: 100_000 };
  const instants = [
    // between any two calls: what one does in our own memory nobody can see
    ...spread(times * 0.8, PARTS).map((part) => ({ at: "call", part }) as const),
    // in the middle of one
    ...spread(times * 0.15, PARTS).map((part) => ({ at: "after", part }) as const),
    // before the tree is touched
    ...spread(times * 0.05, PARTS).map((part) => ({ at: "start", part }) as const),
  ];
  for (const { at, part } of instants) {
    const instant: Instant = { at, n: Math.floor((whole[at] * part) / PARTS) };
    const { victim } = await stand.victim();
    const { pids } = victim;
    if (isStopped) await stop(victim);
    const struck = await strike(instant, victim.pid, dump(victim.pid, words), under);
    if (isStopped) await goOn(pids);
    const when = `${words.join(" ")} killed ${instant.at} ${instant.n} of ${whole.call} calls, ${whole.after} us`;
    if (!struck.killed && struck.status !== 0) {
      const log = readFileSync(scratch.file("images/dump.log"), "latin1");
      throw new Error(`${when}: ended by itself with ${struck.status}: ${log.slice(-600)}`);
    }
    try {
      if (await stand.wholeOrGone(pids)) tally.gone++;
      clear();
      if (tally.gone > 0 && words.length > 0) throw new Error(`the victim is gone: ${stand.ended}`);
    } catch (error) {
      throw new Error(`${when}, victim: ${stand.words()}`, { cause: error });
    }
    if (struck.killed) tally.killed++;
    else {
      tally.finished++;
      if (at === "call" && struck.calls > 0) whole.call = struck.calls;
      if (at === "after" && struck.us > 0) whole.after = struck.us;
    }
  }
  // the next run sweeps what the dead ones left
  const last = await stand.victim();
  const swept = await strike({ at: "call", n: -2 }, last.victim.pid, dump(last.victim.pid, ["--leave-running"]), under);
  expect(swept.status).toBe(0);
  expect(readdirSync(images).filter((name) => name.startsWith("."))).toEqual([]);
  await last.victim.wellAs(last.before);
  return tally;
}

/** Of so many kills: those that hold something of which a dump only looks at a part of its way need fewer. */
const FEW = Math.ceil(kills / 20);

interface Kind {
  name: string;
  /** @param directory where it may make files */
  argv(directory: string): string[];
  options?: VictimOptions;
  /** Why it cannot run here. */
  missing?: string | undefined;
  times?: number;
  /** It needs a network and objects of its own. */
  isApart?: boolean;
  /** It is stopped by a signal while it is dumped. */
  isStopped?: boolean;
}

const filtered: VictimOptions = {
  keepsAgents: true,
  except: { area: "the agent's area stays", fd: "and its socket", FDSize: "as above", VmLck: "as above" },
};

const victims: readonly Kind[] = [
  { name: "threads that compute with vectors", argv: () => [cProgram("victims/computing.c")] },
  {
    name: "goroutines",
    argv: () => [goProgram("victims/goroutines.go")],
    options: {
      except: { area: "the collector maps memory", thread: "the runtime starts threads", Threads: "as above" },
    },
    missing: goIsMissing,
  },
  {
    name: "threads under seccomp",
    argv: () => [cProgram("victims/filtered.c")],
    options: filtered,
    times: FEW,
  },
  {
    name: "32-bit threads",
    argv: () => [cProgram("victims/computing.c", ...m32, "-mavx2")],
    missing: noI386(),
    times: FEW,
  },
  {
    name: "32-bit threads under seccomp",
    argv: () => [cProgram("victims/filtered.c", ...m32)],
    options: filtered,
    missing: noI386(),
    times: FEW,
  },
  { name: "a tree of twenty", argv: () => [cProgram("victims/tree.c")] },
  { name: "threads that are stopped", argv: () => [cProgram("victims/computing.c")], times: FEW, isStopped: true },
  { name: "a terminal with lines in it", argv: () => [cProgram("victims/terminal.c")], times: FEW },
  { name: "a terminal that is full", argv: () => [cProgram("victims/terminal.c"), "full"], times: FEW },
  { name: "one of each kind of descriptor", argv: () => [cProgram("victims/everything.c")], times: FEW },
  { name: "objects of the kernel", argv: () => [cProgram("victims/objects.c", "-lrt")], times: FEW },
  {
    name: "queues and files without names",
    argv: (directory) => [cProgram("victims/holder.c", "-lrt"), mkdtempSync(`${directory}/of-`)],
    times: FEW,
    isApart: true,
  },
  { name: "72 MiB of memory", argv: () => [cProgram("victims/large.c")], times: FEW },
];

describe("a dumper that is killed", () => {
  for (const kind of victims) {
    const { name, missing, times = kills } = kind;
    const lack = isRoot ? missing : "a dump needs root";
    if (lack !== undefined) {
      test.skip(`${name} (${lack})`, () => {});
      continue;
    }
    test.concurrent(
      `${name}: ${Math.ceil(times * 0.7)} times while they are to be left running`,
      async () => {
        const tally = await turns.take(() => killOften(kind, ["--leave-running"], Math.ceil(times * 0.7)));
        expect(tally.gone).toBe(0);
        expect(tally.killed).toBeGreaterThan(times / 4);
      },
      patience,
    );
    test.concurrent(
      `${name}: ${Math.ceil(times * 0.3)} times while they are to be ended`,
      async () => {
        const tally = await turns.take(() => killOften(kind, [], Math.ceil(times * 0.3)));
        expect(tally.killed).toBeGreaterThan(times / 20);
      },
      patience,
    );
  }
});
