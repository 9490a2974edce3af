/** tscriu dies, or is asked to end, at any instant of a dump or a restore of a container: it is as before, all of it is back, or nothing. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { freshCgroup } from "./lib/cgroup.ts";
import { Container, containersMissing, type Form } from "./lib/container.ts";
import { by, type Instant, spread, strike } from "./lib/kill.ts";
import { tscriu } from "./lib/run.ts";
import { Turns } from "./lib/turns.ts";
import { until, Victim } from "./lib/victim.ts";

const missing = containersMissing();
const patience = 3_000_000;
/** How often each container's dump loses its dumper, and its restore. */
const kills = Number(process.env.UNHARMED_CONTAINERS ?? 6);
const [SIGINT, SIGTERM] = [2, 15];

/** By turns it is killed, and asked in one of two ways: twice as often it is killed. */
function how(i: number, instant: Instant): Instant {
  const asked = [undefined, SIGINT, undefined, undefined, SIGTERM, undefined][i % 6];
  return asked === undefined ? instant : { ...instant, signal: asked };
}

/** A container on its machine, and what both look like while it runs and while it does not. */
class Stand {
  readonly options: readonly string[];
  #view = "";

  constructor(
    readonly container: Container,
    readonly cgroup: string | undefined,
  ) {
    this.options = ["--external", "veth[eth0]:box", "-D", container.images];
  }

  get dumping(): string[] {
    return ["dump", "-t", `${this.container.init}`, "-o", "dump.log", "--link-remap", ...this.options];
  }

  get restoring(): string[] {
    const { root } = this.container;
    return ["restore", "-d", "-o", "restore.log", "--root", root, "--enable-fs", "overlay", ...this.options];
  }

  async run(words: readonly string[]): Promise<void> {
    const { keeper, scratch } = this.container;
    expect(await tscriu(keeper, scratch, words)).toEqual({ status: 0, text: "" });
  }

  /** Everything around, but for the number of the veth's outer end and links that keep files for a set. */
  around(): string {
    return this.container
      .around()
      .replace(/^\d+: box.*\n/m, "")
      .replace(/^.*link_remap\.\d+\n/gm, "");
  }

  async begin(): Promise<void> {
    this.#view = this.container.view();
    await this.well();
  }

  /** It sees what it saw, nobody has a hand on it, and it gets on. */
  async well(before?: ReturnType<Victim["view"]>): Promise<void> {
    const { container } = this;
    let none = 0;
    await until("it is not whole", () => {
      none = container.pids.length === 0 ? none + 1 : 0;
      // one look may miss those whose sibling just ends
      if (none > 20) throw new Error("it is gone");
      return container.isWhole ? undefined : `there are ${container.pids.join(" ")}`;
    });
    const victim = Victim.of(container.keeper, container.init, `${container.root}/out`, container.counters);
    await victim.wellAs(before ?? (await victim.settled()));
    await until("it sees something else", () => {
      const now = container.view();
      return now === this.#view ? undefined : `${now}\ninstead of\n${this.#view}`;
    });
  }

  /** All of it is there for good, or nothing: what was let go when tscriu was killed is seen alive until its end comes. */
  async isBack(): Promise<boolean> {
    const { container } = this;
    if (container.pids.length === 0) return false;
    try {
      await this.well();
      return true;
    } catch (error) {
      await until("a part of it is there", () =>
        container.pids.length === 0 || container.isWhole ? undefined : container.pids.join(" "),
      );
      if (container.pids.length > 0) throw error;
      return false;
    }
  }

  /** It is gone, and its cgroup may be made again. */
  async gone(): Promise<void> {
    const { container, cgroup } = this;
    await until("it is not gone", () => (container.pids.length === 0 ? undefined : container.pids.join(" ")));
    await until("its cgroup is in use", () => {
      try {
        if (cgroup !== undefined && existsSync(cgroup)) rmdirSync(cgroup);
        return undefined;
      } catch (error) {
        return String(error);
      }
    });
  }

  async same(before: string): Promise<void> {
    await until("something is left, or gone", () => {
      const now = this.around();
      if (now === before) return undefined;
      const [old, young] = [before.split("\n"), now.split("\n")];
      const less = old.filter((line) => !young.includes(line)).map((line) => `- ${line}`);
      return [...less, ...young.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)].join("\n");
    });
  }

  /** Links are left by a dump that is complete, and only by that. */
  clearDump(): void {
    const { root, images } = this.container;
    const data = readdirSync(`${root}/data`).filter((name) => name.startsWith("link_remap"));
    if (!existsSync(`${images}/inventory.img`)) expect(data).toEqual([]);
    for (const name of data) rmSync(`${root}/data/${name}`);
    rmSync(`${images}/inventory.img`, { force: true });
  }
}

/** A run that ended by itself, or was asked to, has an end that is no other's. */
function checkEnd(status: number, isDone: boolean, log: string): void {
  const exit = (status & 0x7f) === 0 ? status >> 8 : 1000 + (status & 0x7f);
  if ((exit === 0) !== isDone) throw new Error(`it ended with ${exit}: ${readFileSync(log, "latin1").slice(-800)}`);
}

async function killDumps(stand: Stand): Promise<number> {
  const { container } = stand;
  const { keeper, scratch, images } = container;
  const start = by(keeper, scratch);
  const running = stand.around();
  const counted = await strike({ at: "call", n: -2 }, container.init, [...stand.dumping, "--leave-running"], [], start);
  expect(counted.status).toBe(0);
  stand.clearDump();
  let ended = 0;
  for (const [i, n] of spread(kills, counted.calls).entries()) {
    const instant = how(i, { at: "call", n });
    const when = `dump, ${instant.signal ?? "killed"} at call ${n} of ${counted.calls}`;
    try {
      const victim = Victim.of(keeper, container.init, `${container.root}/out`, container.counters);
      const before = await victim.settled();
      // one out of four is to end the container
      const fate = i % 4 === 3 ? [] : ["--leave-running"];
      const struck = await strike(instant, container.init, [...stand.dumping, ...fate], [], start);
      await until("a part of it is gone", () =>
        container.pids.length === 0 || container.isWhole ? undefined : container.pids.join(" "),
      );
      const isDone = existsSync(`${images}/inventory.img`);
      if (!struck.killed) checkEnd(struck.status, isDone, `${images}/dump.log`);
      // all of it ends soon after the set is finished
      if (isDone && fate.length === 0)
        await until("it neither ends nor goes on", () =>
          container.pids.length === 0 || struck.killed ? undefined : "yet",
        );
      if (container.isWhole) {
        await stand.well(before);
        stand.clearDump();
      } else {
        expect(isDone).toBe(true);
        ended++;
        await stand.gone();
        await stand.run(stand.restoring);
        await stand.well();
        stand.clearDump();
      }
      await stand.same(running);
    } catch (error) {
      throw new Error(when, { cause: error });
    }
  }
  return ended;
}

async function killRestores(stand: Stand): Promise<number> {
  const { container } = stand;
  const { keeper, scratch, images } = container;
  const start = by(keeper, scratch);
  const dump = async () => {
    await stand.run(stand.dumping);
    await stand.gone();
  };
  await dump();
  // the machine's side of the network goes a while after
  await until("the interface is still there", () => (/^\d+: box/m.test(container.around()) ? "box" : undefined));
  const empty = stand.around();
  const counted = await strike({ at: "born", n: -2 }, "init", stand.restoring, [], start);
  expect(counted.status).toBe(0);
  await stand.well();
  await dump();
  let back = 0;
  for (const [i, n] of spread(kills, counted.calls).entries()) {
    const instant = how(i + 3, { at: "born", n });
    const when = `restore, ${instant.signal ?? "killed"} at call ${n} of ${counted.calls}`;
    try {
      const struck = await strike(instant, "init", stand.restoring, [], start);
      await until("a part of it is there", () =>
        container.pids.length === 0 || container.isWhole ? undefined : container.pids.join(" "),
      );
      const isBack = await stand.isBack();
      if (!struck.killed) checkEnd(struck.status, isBack, `${images}/restore.log`);
      if (isBack) {
        back++;
        await dump();
      }
      await until("the interface is left", () => (/^\d+: box/m.test(container.around()) ? "box" : undefined));
      await stand.same(empty);
    } catch (error) {
      throw new Error(when, { cause: error });
    }
  }
  await stand.run(stand.restoring);
  await stand.well();
  return back;
}

const turns = new Turns(1);

const forms: readonly (readonly [name: string, form: Form])[] = [
  ["with an overlay and clocks of its own", { overlay: true }],
  ["in a user namespace", { user: true, overlay: true }],
];

describe.skipIf(missing !== undefined)(`a container whose dumper or restorer dies (${missing ?? "as root"})`, () => {
  for (const [at, [name, form]] of forms.entries())
    test.concurrent(
      `${name}: ${kills} times in a dump, ${kills} in a restore`,
      () =>
        turns.take(async () => {
          const cgroup = freshCgroup(`tscriu-container-${process.pid}-${at}`);
          if (cgroup === undefined) console.log(`skipped the cgroup of a container ${name}: none can be made here`);
          try {
            await using container = await Container.start({ ...form, cgroup });
            const stand = new Stand(container, cgroup);
            await stand.begin();
            const ended = await killDumps(stand);
            const back = await killRestores(stand);
            expect(ended + back).toBeLessThan(2 * kills);
          } finally {
            await until("the cgroup is in use", () => {
              try {
                if (cgroup !== undefined && existsSync(cgroup)) rmdirSync(cgroup);
                return undefined;
              } catch (error) {
                return String(error);
              }
            });
          }
        }),
      patience,
    );
});
