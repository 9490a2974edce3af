/** A tree in namespaces of its own, below a keeper, and what is seen of it from outside. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";

export const status = (pid: number, name: string) =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "";
/** The last of the numbers by pid namespace: the task's own. */
const own = (pid: number, name: string) => Number(status(pid, name).split(/\s+/).at(-1));

/** Of each task: its numbers as it sees them, its threads, its name. */
export function view(root: number): string[] {
  return treeOf(root)
    .map((pid) => ["NSpid", "NSpgid", "NSsid"].map((name) => own(pid, name)).concat([Number(status(pid, "Threads"))]))
    .map((numbers) => numbers.join(" "))
    .sort();
}

export function namespace(pid: number, name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`);
}

export class Stage implements AsyncDisposable {
  readonly scratch = new Scratch();
  readonly images = this.scratch.file("images");
  /** The keeper's pid: it has the mounts that the tree takes for the machine's. */
  parent = 0;

  private constructor(
    readonly keeper: Keeper,
    public root: number,
  ) {
    mkdirSync(this.images);
  }

  /**
   * Runs a shell script as the root of a tree, below `unshare` with the options given.
   * @param before another script, which prepares what the tree and tscriu take for the machine's mounts
   */
  static async set(
    options: string[],
    script: string,
    ready: (root: number) => boolean,
    before?: string,
  ): Promise<Stage> {
    const through = before === undefined ? [] : ["unshare", "--mount", "sh", "-ec", `${before}; exec "$0" "$@"`];
    // copies of what other tests mount for a moment would not come back
    const own = before === undefined && [...options, script].some((one) => one.includes("--mount"));
    const stage = new Stage(await Keeper.start(own ? "mounts" : undefined, through), 0);
    const argv = ["unshare", "--fork", ...options, "setsid", "sh", "-c", script];
    const outer = await stage.keeper.run({ argv, directory: "/", output: stage.scratch.file("out"), session: true });
    stage.parent = Number(status(outer, "PPid"));
    await until("the tree is not there", () => {
      const [root] = treeOf(outer).slice(1);
      stage.root = root ?? 0;
      if (root === undefined || status(root, "Name") !== "sh" || !ready(root))
        return existsSync(stage.scratch.file("out")) ? readFileSync(stage.scratch.file("out"), "latin1") : "";
      return undefined;
    });
    return stage;
  }

  async run(...words: string[]): Promise<void> {
    await this.runBelow([], ...words);
  }

  /** @param through words of a program that becomes tscriu in the end */
  async runBelow(through: readonly string[], ...words: string[]): Promise<void> {
    const log = `${words[0]}.log`;
    const argv = [...through, ...(await binary()), ...words, "-D", this.images, "-o", log, "-v4"];
    const output = this.scratch.file("said");
    const pid = await this.keeper.run({ argv, directory: "/", output });
    const ended = await this.keeper.ended(pid);
    if (ended !== 0)
      throw new Error(
        `${words[0]} ends with ${ended}: ${readFileSync(`${this.images}/${log}`, "latin1").slice(-2000)}`,
      );
  }

  async crit(...words: string[]): Promise<string> {
    const done = Bun.spawnSync([...(await binary()), "crit", ...words]);
    if (done.exitCode !== 0) throw new Error(done.stderr.toString());
    return done.stdout.toString();
  }

  async dump(...options: string[]): Promise<void> {
    const pids = treeOf(this.root);
    await this.run("dump", "-t", String(this.root), ...options);
    await until("the tree lives", () => pids.find((pid) => existsSync(`/proc/${pid}/exe`))?.toString());
  }

  async restore(...options: string[]): Promise<void> {
    await this.restoreBelow([], ...options);
  }

  async restoreBelow(through: readonly string[], ...options: string[]): Promise<void> {
    rmSync(`${this.images}/pid`, { force: true });
    await this.runBelow(through, "restore", "-d", "--pidfile", "pid", ...options);
    this.root = Number(readFileSync(`${this.images}/pid`, "latin1"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}

/** The root has exactly so many children and grandchildren, all of them asleep. */
export const sleepers = (count: number) => (root: number) => {
  const names = treeOf(root).slice(1).map(nameOf);
  return names.length === count && names.every((name) => name === "sleep");
};

/** "" for a process that ended meanwhile. */
export function nameOf(pid: number): string {
  try {
    return status(pid, "Name");
  } catch {
    return "";
  }
}
