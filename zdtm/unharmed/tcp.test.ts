/**
 * tscriu dies, or is asked to end, at any instant of a dump or restore of a tree with TCP connections: the tree, and those that
 * it is connected to, go on; no table of nf_tables and no half-repaired socket is left. All of it in a network of its own.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { NfTables } from "../../src/kernel/nftables.ts";
import { inside } from "../lib/inside.ts";
import { Keeper } from "../lib/keeper.ts";
import type { Snapshot } from "../lib/snapshot.ts";
import { by, type Instant, type Struck, spread, strike } from "./lib/kill.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Turns } from "./lib/turns.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 900_000;
const times = Number(process.env.UNHARMED_TCP ?? 16);
const SIGINT = 2;

/** Each of these is a chain of processes: as many at a time as there are CPUs for them. */
const turns = new Turns(Math.max(2, availableParallelism()));

/** A tree with connections to a peer outside, in a network that nobody else is in. */
class Place implements AsyncDisposable {
  readonly images: string;

  private constructor(
    readonly keeper: Keeper,
    readonly scratch: Scratch,
    readonly under: readonly string[],
    readonly victim: Victim,
    readonly before: Snapshot,
    readonly peer: number,
  ) {
    this.images = scratch.file("images");
    mkdirSync(this.images);
  }

  /**
   * @param role of the victim: `queue` where a call of the peer waits to be accepted as well, `waiting` where that may be away
   * for a moment
   */
  static async make(role: "tree" | "queue" | "waiting" = "tree"): Promise<Place> {
    const keeper = await Keeper.start();
    const scratch = new Scratch();
    const holder = await keeper.run({
      argv: ["unshare", "-n", "--", "sh", "-c", "ip link set lo up && exec sleep infinity"],
      directory: "/",
      output: scratch.file("holder"),
    });
    const net = `/proc/${holder}/ns/net`;
    await until("the network is not up", () =>
      /\bsleep\n/.test(readFileSync(`/proc/${holder}/comm`, "latin1")) ? undefined : "no",
    );
    expect(readlinkSync(net)).not.toBe(readlinkSync("/proc/self/ns/net"));
    const under = ["nsenter", `--net=${net}`, "--"];
    const program = cProgram("victims/network.c");
    const port = scratch.file("port");
    const peer = await keeper.run({
      argv: [...under, program, "peer", port],
      directory: "/",
      output: scratch.file("peer"),
      session: true,
    });
    await until("the peer is not ready", () => (existsSync(port) && readFileSync(port).length > 1 ? undefined : "no"));
    const argv = [...under, program, role, readFileSync(port, "latin1").trim()];
    const victim = await Victim.start(keeper, scratch, argv);
    return new Place(keeper, scratch, under, victim, await victim.settled(), peer);
  }

  /** What the tree and its peer have said: nothing, unless they noticed something. */
  get said(): string {
    return ["out", "peer"].map((name) => readFileSync(this.scratch.file(name), "latin1")).join("");
  }

  get pid(): number {
    return this.victim.pid;
  }

  /** Words that save the tree, or bring it back. */
  words(command: string, ...more: string[]): string[] {
    const which = command === "dump" ? ["-t", String(this.pid)] : ["-d"];
    return [command, ...which, "-D", this.images, "-o", `${command}.log`, "--tcp-established", ...more];
  }

  strike(instant: Instant, words: readonly string[]): Promise<Struck> {
    return strike(instant, this.pid, words, this.under, by(this.keeper, this.scratch));
  }

  /** A run that nobody disturbs. */
  async run(...words: string[]): Promise<void> {
    const said = await tscriu(this.keeper, this.scratch, this.words(words[0] ?? "", ...words.slice(1)), "said", [
      ...this.under,
    ]);
    if (said.status !== 0) throw new Error(`${words.join(" ")} ends with ${said.status}: ${said.text}`);
  }

  /** Names of the tables in our network. */
  tables(): string[] {
    return inside("net", `/proc/${this.peer}`, () => {
      using all = new NfTables();
      return [...all.tables()].map(({ name }) => name);
    });
  }

  /** The tree and its peer go on, and there is no lock. */
  async well(): Promise<void> {
    await this.victim.wellAs(this.before);
    expect(existsSync(`/proc/${this.peer}/exe`)).toBe(true);
    expect(this.tables()).toEqual([]);
  }

  /** All of the tree, or nothing: true for nothing. */
  async isGone(pids: readonly number[]): Promise<boolean> {
    let gone = false;
    await until("a part of the tree is gone", () => {
      const alive = pids.filter((pid) => existsSync(`/proc/${pid}/exe`));
      gone = alive.length === 0;
      return gone || alive.length === pids.length ? undefined : `these are left: ${alive.join(" ")}`;
    });
    const named = () => pids.filter((pid) => existsSync(`/proc/${pid}`));
    if (gone) await until("pids are still taken", () => (named().length > 0 ? named().join(" ") : undefined));
    return gone;
  }

  /** Whether it is there for good: what a restore had made when it was killed lives for a moment longer. */
  async isBack(pids: readonly number[]): Promise<boolean> {
    try {
      await this.victim.wellAs(this.before);
      return true;
    } catch (error) {
      if (await this.isGone(pids)) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}

/** All over a dump; at its very end, where locks are handed over and the tree ends; and by the clock. */
function instants(calls: number, signal: number | undefined): Instant[] {
  const more = signal === undefined ? {} : { signal };
  const all = spread(times / 2, calls);
  const last = spread(times / 4, Math.min(200, calls)).map((n) => calls - n);
  return [
    ...[...all, ...last].map((n): Instant => ({ at: "call", n, ...more })),
    ...spread(times / 4, 60_000).map((n): Instant => ({ at: "after", n, ...more })),
  ];
}

/** While a connection that waits is out of its queue. */
const away = spread(times / 4, 60).map((n): Instant => ({ at: "accept", n }));

/** Disturbs dumps; what they have ended is brought back. */
async function dumps(more: string[], signal: number | undefined): Promise<{ gone: number; struck: number }> {
  await using place = await Place.make(signal === undefined ? "waiting" : "queue");
  const { victim } = place;
  const tally = { gone: 0, struck: 0 };
  const counted = await place.strike({ at: "call", n: -2 }, place.words("dump", "--leave-running"));
  expect(counted.status).toBe(0);
  await place.well();
  for (const instant of [...instants(counted.calls, signal), ...(signal === undefined ? away : [])]) {
    const when = `${more.join(" ")} ${signal ?? "killed"} at ${instant.at} ${instant.n} of ${counted.calls}`;
    try {
      const { pids } = victim;
      const struck = await place.strike(instant, place.words("dump", ...more));
      if (struck.killed || struck.status !== 0) tally.struck++;
      if (await place.isGone(pids)) {
        tally.gone++;
        expect({ tables: place.tables().length, said: place.said }).toEqual({ tables: 1, said: "" });
        await place.run("restore");
      }
      await place.well();
    } catch (error) {
      throw new Error(`${when}; they said: ${place.said}`, { cause: error });
    }
    rmSync(place.images, { recursive: true });
    mkdirSync(place.images);
  }
  return tally;
}

/** Disturbs restores: then nothing is there, and the next one brings all back. */
async function restores(signal: number | undefined): Promise<number> {
  await using place = await Place.make("queue");
  const { victim } = place;
  let refused = 0;
  for (const n of spread(times / 2, 150_000)) {
    const { pids } = victim;
    await place.run("dump");
    expect(await place.isGone(pids)).toBe(true);
    const more = signal === undefined ? {} : { signal };
    const instant: Instant = { at: "start", n: 10_000 + n, ...more };
    const struck = await place.strike(instant, place.words("restore"));
    try {
      if ((struck.killed || struck.status !== 0) && !(await place.isBack(pids))) {
        refused++;
        await place.run("restore");
      }
      await place.well();
    } catch (error) {
      throw new Error(`${signal ?? "killed"} ${instant.n} us after the start; they said: ${place.said}`, {
        cause: error,
      });
    }
    rmSync(place.images, { recursive: true });
    mkdirSync(place.images);
  }
  return refused;
}

describe.skipIf(!isRoot)("a tree with TCP connections (a dump needs root)", () => {
  for (const [name, more, signal] of [
    ["killed while it saves the tree", ["--leave-running"], undefined],
    ["killed while it ends the tree", [], undefined],
    ["interrupted while it ends the tree", [], SIGINT],
  ] as const)
    test.concurrent(
      `outlives tscriu ${name}, ${times} times`,
      async () => {
        const { gone, struck } = await turns.take(() => dumps([...more], signal));
        expect(struck).toBeGreaterThan(0);
        if (more.length > 0) expect(gone).toBe(0);
      },
      patience,
    );
  test(
    "is saved after a run that died with all that it had started: its lock is removed",
    async () => {
      await using place = await Place.make();
      Bun.spawnSync([...place.under, process.execPath, join(import.meta.dir, "lib/leave-lock.ts")]);
      expect(place.tables()).toEqual(["CRIU-of-somebody-dead"]);
      await place.run("dump", "--leave-running");
      await place.well();
    },
    patience,
  );
  for (const [name, signal] of [
    ["killed", undefined],
    ["interrupted", SIGINT],
  ] as const)
    test.concurrent(
      `comes back after a restore that was ${name}, ${times / 2} times`,
      async () => expect(await turns.take(() => restores(signal))).toBeGreaterThan(0),
      patience,
    );
});
