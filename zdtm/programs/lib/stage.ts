/** Where the tests of real programs run theirs: a directory and a keeper of its own, gone at the end of the scope. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../../lib/binary.ts";
import { describeStatus, Keeper } from "../../lib/keeper.ts";
import { removeObjects } from "../../lib/objects.ts";
import { asleep, differences, type Snapshot, takeSnapshot, treeOf } from "../../lib/snapshot.ts";
import { unlock } from "../../lib/unlock.ts";

/** Nothing waits this long unless something is broken; milliseconds. */
export const patience = 120_000;
/** A tree that is back gets this long to look as before. */
const calm = 10_000;
/** For bun test: the patience of several steps. */
export const testTime = 600_000;

export const isRoot = process.getuid?.() === 0;

/** Waits for a condition that nothing announces; gives what `look` found. */
export async function until<T>(
  what: string | (() => string),
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  for (const late = performance.now() + patience; ; await Bun.sleep(5)) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > late) throw new Error(`waited in vain until ${typeof what === "string" ? what : what()}`);
  }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

const lastLines = (path: string, many: number) => textOf(path).trimEnd().split("\n").slice(-many).join("\n");

export interface ProgramOptions {
  /** Some thread of it always runs, and none becomes another program. */
  restless?: boolean;
  env?: Record<string, string>;
  /** What of the view from outside the program changes by itself, and why. */
  except?: Record<string, string>;
  /** Compare the bytes of private memory as well. */
  memory?: boolean;
}

export interface TripOptions {
  /** Words for both commands, and for each. */
  words?: readonly string[];
  dump?: readonly string[];
  restore?: readonly string[];
  /** What tscriu itself is started by, and what it is started by to restore. */
  under?: readonly string[];
  underRestore?: readonly string[];
  /** What of the view from outside becomes another thing, and why. */
  except?: Record<string, string>;
}

export class Stage implements AsyncDisposable {
  private rounds = 0;

  private constructor(
    readonly path: string,
    readonly keeper: Keeper,
  ) {}

  /** @param home where the directory is made */
  static async open(home = tmpdir()): Promise<Stage> {
    const path = mkdtempSync(join(home, "tscriu-program-"));
    chmodSync(path, 0o777); // some programs are not root's
    return new Stage(path, await Keeper.start());
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Starts a program as leader of its own session; what it says lands in the file `out`. */
  async start(argv: string[], options: ProgramOptions = {}): Promise<Program> {
    const output = this.file("out");
    const env = options.env ?? {};
    const pid = await this.keeper.run({ argv, directory: this.path, output, session: true, env });
    return new Program(this, pid, output, options);
  }

  /**
   * Runs tscriu with a fresh directory of images, or one that was there.
   * @throws Error with its last words when it does not end with 0
   */
  async tscriu(images: string, words: readonly string[], under: readonly string[] = []): Promise<void> {
    const command = words[0] ?? "";
    const log = `${command}.log`;
    const said = join(images, `${log}.out`);
    const argv = [...under, ...(await binary()), ...words, "-D", images, "-o", log, "-v4"];
    const pid = await this.keeper.run({ argv, directory: "/", output: said });
    const status = await this.keeper.ended(pid);
    if (status === 0) return;
    const told = `${textOf(said)}\n${lastLines(join(images, log), 25)}`;
    throw new Error(`${command} ends with ${describeStatus(status)}:\n${told}`);
  }

  nextImages(): string {
    const images = this.file(`images-${++this.rounds}`);
    mkdirSync(images);
    return images;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    removeObjects(this.path);
    unlock(this.path);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A running program, with all that it starts. */
export class Program {
  /** Wait status, once it ends. Anew after each restore. */
  end: Promise<number>;

  constructor(
    private readonly stage: Stage,
    readonly pid: number,
    private readonly output: string,
    private readonly options: ProgramOptions,
  ) {
    this.end = stage.keeper.ended(pid);
  }

  /** All that it said so far. */
  get said(): string {
    return textOf(this.output);
  }

  /** Waits until it says something. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    const story = () => `pid ${this.pid} says ${pattern}; it said:\n${this.said.slice(-2000)}`;
    return until(story, () => {
      if (!existsSync(`/proc/${this.pid}`)) throw new Error(`pid ${this.pid} is gone, and said:\n${this.said}`);
      return pattern.exec(this.said) ?? undefined;
    });
  }

  view(): Snapshot {
    return takeSnapshot(this.pid, { memory: this.options.memory ?? false });
  }

  compare(before: Snapshot, after = this.view(), except: Record<string, string> = {}): string[] {
    return differences(before, after, { ...this.options.except, ...except });
  }

  /** A view that a second one a moment later confirms, all being asleep: a child may be about to become another program. */
  async settled(): Promise<Snapshot> {
    let last = this.view();
    return until(`the tree of ${this.pid} is quiet`, async () => {
      await Bun.sleep(20);
      // asked before the view: who runs until then, and sleeps behind it, is seen as it was
      const sleeps = this.options.restless || asleep(this.pid);
      const now = this.view();
      const quiet = sleeps && this.compare(last, now).length === 0;
      last = now;
      return quiet ? now : undefined;
    });
  }

  /** Dumps, sees the tree gone, restores. The images are removed. @param gone called when nobody is there */
  async trip(options: TripOptions = {}, gone?: () => void): Promise<void> {
    const images = this.stage.nextImages();
    const { words = [], dump = [], restore = [], under = [], underRestore = under } = options;
    const pids = treeOf(this.pid);
    await this.stage.tscriu(images, ["dump", "-t", String(this.pid), ...words, ...dump], under);
    await until(`${pids.join(" ")} are gone`, () => (pids.some((p) => existsSync(`/proc/${p}`)) ? undefined : true));
    await this.end;
    gone?.();
    await this.stage.tscriu(images, ["restore", "-d", ...words, ...restore], underRestore);
    this.end = this.stage.keeper.ended(this.pid);
    rmSync(images, { recursive: true });
  }

  /** Dumps and lets it run on. The images are removed. */
  async dumpRunning({ words = [], dump = [], under = [] }: TripOptions = {}): Promise<void> {
    const images = this.stage.nextImages();
    await this.stage.tscriu(images, ["dump", "-t", String(this.pid), "--leave-running", ...words, ...dump], under);
    rmSync(images, { recursive: true });
  }

  /** A trip of a quiet tree, of which /proc shows the same before and after. */
  async roundTrip(options: TripOptions = {}): Promise<void> {
    const before = await this.settled();
    await this.trip(options);
    const look = () => this.compare(before, this.view(), options.except);
    let found = look();
    // a thread that a busy machine has not let run yet is still on its way into the call in which it was stopped
    for (const late = performance.now() + calm; found.length > 0 && performance.now() < late; found = look())
      await Bun.sleep(20);
    if (found.length > 0) throw new Error(`after restore the tree looks different:\n${found.slice(0, 25).join("\n")}`);
  }
}
