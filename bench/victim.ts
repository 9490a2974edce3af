/** A process tree that is dumped and brought back, round by round. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStats } from "../src/image/work.ts";
import { NR } from "../src/kernel/nr.ts";
import { sys } from "../src/kernel/sys.ts";
import type { Samples, Turn } from "./figure.ts";
import { home, tree, tscriu } from "./place.ts";

const PR_SET_CHILD_SUBREAPER = 36;
const ECHILD = -10;
const ESRCH = -3;
const WALL = 0x40000000;
const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGUSR2 = 12;

/** Compiled once. */
let program: string | undefined;

export function victimProgram(): string {
  if (program !== undefined) return program;
  // whatever a dumped or restored tree leaves behind becomes our child, and its pid is free once we have waited
  sys(NR.prctl, PR_SET_CHILD_SUBREAPER, 1);
  program = join(home, "victim");
  const done = spawnSync("cc", ["-O2", "-pthread", "-o", program, join(tree, "bench/victim.c")], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return program;
}

/** Waits for a condition that nothing announces, looking every so many milliseconds; gives what `look` found. */
export function patiently<T>(what: string, look: () => T | undefined, every = 2): T {
  const end = performance.now() + 60_000;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    Bun.sleepSync(every);
  }
}

export class Victim implements Turn {
  #pid = 0;
  #dir = "";
  #round = 0;
  /** The images of the round before. */
  #last = "";

  /**
   * @param name of its samples: `NAME.dump`, `NAME.frozen`, `NAME.restore` (ms), `NAME.peak` (MiB)
   * @param words for the victim's program; none for sleep(1)
   * @param plain also `NAME.write` and `NAME.read`: the same bytes by one plain write and read
   * @param options for dump and restore
   * @param by who dumps and restores it
   */
  constructor(
    readonly name: string,
    readonly words: readonly string[],
    readonly plain = false,
    readonly options: readonly string[] = [],
    readonly by = tscriu,
  ) {}

  /** Another one of the kind, which somebody else dumps and restores. */
  twin(name: string, by: string): Victim {
    return new Victim(`${this.name} by ${name}`, this.words, this.plain, this.options, by);
  }

  prepare(): void {
    const path = victimProgram();
    this.#dir = mkdtempSync(join(tmpdir(), "tscriu-bench-"));
    const ready = join(this.#dir, "ready");
    const sleep = this.words.length === 0;
    const line = sleep ? ["sleep", "100000"] : [path, ready, ...this.words, ...(this.plain ? [this.#dir] : [])];
    const shell = `setsid "$@" </dev/null >/dev/null 2>&1 & ${sleep ? `echo $! >'${ready}'` : ""}`;
    spawnSync("sh", ["-c", shell, "sh", ...line], { stdio: "ignore", cwd: "/" });
    const text = patiently(`${this.name} is ready`, () =>
      existsSync(ready) ? readFileSync(ready, "utf8") : undefined,
    );
    this.#pid = Number(text);
    if (sleep)
      patiently("it sleeps", () => (readFileSync(`/proc/${this.#pid}/comm`, "utf8") === "sleep\n" ? true : undefined));
  }

  run(samples: Samples): void {
    const { name } = this;
    const images = join(this.#dir, `${++this.#round}`);
    mkdirSync(images);
    if (this.plain) {
      samples.add(`${name}.write`, this.#ask(SIGUSR1, "write"));
      // the plain write has just given back what it wrote before, so the dump shall have the like: memory that nobody used for
      // long is slow to get, above all where a hypervisor has to bring it
      rmSync(this.#last, { recursive: true, force: true });
    }
    const dump = this.#time(
      ["dump", "-t", `${this.#pid}`, "-D", images, "-o", "dump.log", ...this.options],
      `${images}/dump.log`,
    );
    this.#reap();
    const frozen = readStats(images, "dump")?.dump?.frozen_time ?? Number.NaN;
    samples.add(`${name}.dump`, dump.ms);
    samples.add(`${name}.frozen`, frozen / 1000);
    samples.add(`${name}.peak`, dump.peak);
    const restore = ["restore", "-d", "-D", images, "-o", "restore.log", ...this.options];
    samples.add(`${name}.restore`, this.#time(restore, `${images}/restore.log`).ms);
    if (this.plain) samples.add(`${name}.read`, this.#ask(SIGUSR2, "read"));
    // small ones stay until the end: a file system is slow to give numbers of deleted files again
    this.#last = images;
  }

  /** Lets it write or read by itself; milliseconds. */
  #ask(signal: number, name: string): number {
    const path = join(this.#dir, name);
    rmSync(path, { force: true });
    process.kill(this.#pid, signal);
    const nanoseconds = patiently(`it ${name}s`, () => (existsSync(path) ? readFileSync(path, "utf8") : undefined));
    return Number(nanoseconds) / 1e6;
  }

  #time(words: string[], log: string): { ms: number; peak: number } {
    const since = performance.now();
    const done = Bun.spawnSync([this.by, ...words], { stdio: ["ignore", "ignore", "pipe"] });
    const ms = performance.now() - since;
    if (done.exitCode !== 0) {
      const said = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(-8).join("\n") : "";
      throw new Error(`${this.by} ${words[0]} of ${this.name} ended with ${done.exitCode}\n${done.stderr}${said}`);
    }
    return { ms, peak: (done.resourceUsage?.maxRSS ?? Number.NaN) / 1024 ** 2 };
  }

  /** Waits until all of the tree is gone. */
  #reap(): void {
    patiently(`${this.name} is gone`, () => {
      const result = sys(NR.wait4, this.#pid, 0, WALL, 0);
      return result === this.#pid || result === ECHILD ? true : undefined;
    });
    // its children, once it is gone, are ours
    const WNOHANG = 1;
    while (sys(NR.wait4, -this.#pid, 0, WALL | WNOHANG, 0) >= 0) Bun.sleepSync(0.2);
  }

  dispose(): void {
    if (this.#pid > 0 && sys(NR.kill, -this.#pid, SIGKILL) !== ESRCH) this.#reap();
    if (this.#dir !== "") rmSync(this.#dir, { recursive: true, force: true });
  }
}
