/** A tree under test, what it must look like from outside, and how we see that it runs. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Keeper } from "../../lib/keeper.ts";
import { differences, type Snapshot, takeSnapshot, treeOf } from "../../lib/snapshot.ts";

/** Nothing waits this long unless something is broken; milliseconds. */
export const patience = Number(process.env.UH_PATIENCE ?? 180_000);

/** Waits for a condition that nothing announces, seldomer the longer that takes; what it last said otherwise is the failure. */
export async function until(what: string, wrong: () => string | undefined, within = patience): Promise<void> {
  const late = performance.now() + within;
  let nap = 2;
  for (let said = wrong(); said !== undefined; said = wrong()) {
    if (performance.now() > late) throw new Error(`${what}: ${said}`);
    await Bun.sleep(nap);
    nap = Math.min(20, nap * 1.2);
  }
}

/**
 * What a command that must fail says. `rejects` of expect runs the event loop within itself, and what
 * comes for other tests meanwhile is lost.
 */
export const refusal = (run: Promise<unknown>) =>
  run.then(
    () => "it did not fail",
    (error) => String(error),
  );

export interface VictimOptions {
  /** Parts of subjects that the program changes by itself, and why. */
  except?: Record<string, string>;
  /** It may not be able to give up what a dumper that was killed has left in it. */
  keepsAgents?: boolean;
}

/** A private directory below the temporary one, gone at the end of its scope. */
export class Scratch implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-unharmed-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const always = { state: "it computes", SigPnd: "signals come and go", ShdPnd: "signals come and go" };

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Nice value of a victim's session among others. */
const BEHIND = "10";

/**
 * Victims that compute have a session of their own, which gets as much of the CPUs as all of the tests and tscriu together have in
 * theirs (sched(7), autogroup): they come behind these. Of the victim itself nothing changes.
 */
function stepBack(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, BEHIND);
  } catch {
    // this kernel does not group by sessions
  }
}

export class Victim {
  private constructor(
    readonly pid: number,
    readonly keeper: Keeper,
    private readonly out: string,
    private readonly counters: number,
    private readonly workers: number,
    private readonly options: VictimOptions,
  ) {}

  /** Starts a program that takes the path of its ready file: address and number of its counters stand there. */
  static async start(keeper: Keeper, scratch: Scratch, argv: string[], options: VictimOptions = {}): Promise<Victim> {
    const ready = scratch.file("ready");
    const out = scratch.file("out");
    rmSync(ready, { force: true });
    const pid = await keeper.run({ argv: [...argv, ready], directory: scratch.path, output: out, session: true });
    // written, and closed: else that is a part of the first view
    const isOpen = () => names(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === ready);
    const there = () => (/\n$/.test(read(ready)) && !isOpen() ? undefined : `not ready: ${read(out)}`);
    await until(`the start of ${argv[0]}`, there);
    stepBack(pid);
    const [address = "0", count = "0"] = readFileSync(ready, "latin1").trim().split(" ");
    return new Victim(pid, keeper, out, Number.parseInt(address, 16), Number(count), options);
  }

  /** A tree that runs already. @param out what it writes */
  static of(
    keeper: Keeper,
    pid: number,
    out: string,
    counters: { readonly address: number; readonly count: number },
    options: VictimOptions = {},
  ): Victim {
    return new Victim(pid, keeper, out, counters.address, counters.count, options);
  }

  /** What it wrote. */
  words(): string {
    return read(this.out);
  }

  get pids(): number[] {
    return treeOf(this.pid);
  }

  view(): Snapshot {
    return takeSnapshot(this.pid, { memory: false });
  }

  /** A view that a second one confirms. */
  async settled(): Promise<Snapshot> {
    let last = this.view();
    for (let turn = 0; turn < 500; turn++) {
      await Bun.sleep(5);
      const now = this.view();
      if (this.compare(last, now).length === 0) return now;
      last = now;
    }
    throw new Error(`the victim is never quiet: ${this.compare(last, this.view()).join("\n")}`);
  }

  compare(before: Snapshot, after: Snapshot): string[] {
    return differences(before, after, { ...always, ...this.options.except });
  }

  /** All counters of all processes. */
  private counts(): Map<string, bigint> {
    const found = new Map<string, bigint>();
    const bytes = new Uint8Array(this.workers * 8);
    for (const pid of this.pids) {
      let fd = -1;
      try {
        fd = openSync(`/proc/${pid}/mem`, "r");
        readSync(fd, bytes, 0, bytes.length, this.counters);
      } catch {
        continue;
      } finally {
        if (fd >= 0) closeSync(fd);
      }
      new BigUint64Array(bytes.slice().buffer).forEach((count, i) => {
        found.set(`${pid}:${i}`, count);
      });
    }
    return found;
  }

  /** The sum of all counters. */
  count(): bigint {
    return [...this.counts().values()].reduce((sum, one) => sum + one, 0n);
  }

  /** What shows from outside that a hand is still on the tree; undefined when none is. */
  private touched(): string | undefined {
    for (const pid of this.pids) {
      for (const tid of readdirSync(`/proc/${pid}/task`)) {
        const status = read(`/proc/${pid}/task/${tid}/status`);
        const tracer = /TracerPid:\t(\d+)/.exec(status)?.[1];
        if (tracer !== "0") return `thread ${tid} is traced by ${tracer}`;
        if (/State:\t[tT]/.test(status) && !this.stopped) return `thread ${tid} is stopped`;
      }
      if (this.options.keepsAgents === true) continue;
      const areas = read(`/proc/${pid}/maps`);
      const left = areas.split("\n").find((line) => /^\S+ rwxs /.test(line));
      if (left !== undefined) return `process ${pid} holds an agent's area: ${left}`;
    }
    return undefined;
  }

  /** Set when the tree is meant to be stopped. */
  stopped = false;

  /** Fails unless every process and thread is as it was, untraced, and gets on. */
  async wellAs(before: Snapshot): Promise<void> {
    const said = () => {
      const words = this.words();
      if (/WRONG|fatal|panic|SIGSEGV/.test(words)) throw new Error(`the victim noticed: ${words.slice(0, 2000)}`);
      if (!existsSync(`/proc/${this.pid}/maps`) || read(`/proc/${this.pid}/maps`) === "")
        throw new Error(`the victim is gone: ${words.slice(-2000)}`);
    };
    await until("the tree is not as before", () => {
      said();
      const touched = this.touched();
      if (touched !== undefined) return touched;
      const found = this.compare(before, this.view());
      return found.length === 0 ? undefined : found.slice(0, 8).join("\n");
    });
    const start = this.counts();
    await until("it does not get on", () => {
      said();
      const now = this.counts();
      const still = [...start].filter(([key, count]) => now.get(key) === count && count !== 0n).map(([key]) => key);
      const lost = [...start.keys()].filter((key) => !now.has(key));
      if (lost.length > 0) return `lost ${lost.join(" ")}`;
      return still.length === 0 ? undefined : `these counters stand still: ${still.join(" ")}`;
    });
  }
}
