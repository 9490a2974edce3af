/** One run of a case: it is started, looked at from outside, dumped and restored, and asked for its verdict. */
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { binary } from "./binary.ts";
import type { Case, Flavour } from "./cases.ts";
import { compileCase } from "./compile.ts";
import { makeVdsoForeign } from "./foreign-vdso.ts";
import { describeStatus, type Keeper } from "./keeper.ts";
import { removeCgroups } from "./objects.ts";
import { Onlooker, type Place } from "./onlooker.ts";
import { ourProc, type Snapshot, statFields, treeOf } from "./snapshot.ts";
import { Failure, poll, Skipped, tail, within } from "./waiting.ts";

/**
 * - `cr`: dump, restore, as often as asked, verify;
 * - `again`: as `cr`, and what is back is dumped with `--leave-running`, before it verifies;
 * - `running`: dump with `--leave-running`, verify;
 * - `fresh`: as `cr`, once, with `--new-pidns`;
 * - `nocr`: no dump at all; the two snapshots are taken of an untouched tree, so they prove the case quiet;
 * - `spoil`: as `nocr`, and the case breaks its own state: the verdict has to be a failure.
 */
export type Mode = "cr" | "again" | "fresh" | "running" | "nocr" | "spoil";
/** The modes in which a dump ends the tree and a restore brings it back. */
export const comesBack: ReadonlySet<Mode> = new Set(["cr", "again", "fresh"]);

export interface RunOptions {
  mode: Mode;
  flavour: Flavour;
  /** Times to dump and restore; 1 at least. */
  iterations: number;
  /** Leaves the directory of the run, and names it in the outcome. */
  keep?: boolean;
  /** Other commands than the one under test, for `cr`. */
  travel?: Travel;
}

/** A tree that one program dumps and another one restores: what it finds out itself counts, not what is seen from outside. */
export interface Travel {
  dumper: readonly string[];
  restorer: readonly string[];
  /** Gets the directory of each dump's images, and throws when they are not as they should be. */
  look?: (images: string) => Promise<void> | void;
  /** Words of a program that becomes the keeper in the end. */
  through?: readonly string[];
}

export class Run {
  readonly dumps: number[] = [];
  readonly restores: number[] = [];
  private pid = 0;
  /** The init of the pid namespace that a restore made. */
  private init: number | undefined;
  /** Whose /proc shows that namespace: the init's, or the first process's where the tree has mounts of its own. */
  private guide = 0;
  /** What the first process is called there. */
  private inner = 0;
  private end: Promise<number> = Promise.resolve(0);
  private round = 0;
  private readonly onlooker: Onlooker;
  /** The next dump leaves the tree running. */
  private isLeft: boolean;

  constructor(
    private readonly it: Case,
    private readonly options: RunOptions,
    private readonly directory: string,
    private readonly keeper: Keeper,
  ) {
    this.onlooker = new Onlooker(it, options.mode === "fresh", directory, () => this.place);
    this.isLeft = options.mode === "running";
  }

  private file(name: string): string {
    return join(this.directory, name);
  }

  private verdict(): string | undefined {
    return existsSync(this.file("verdict")) ? readFileSync(this.file("verdict"), "utf8").trim() : undefined;
  }

  private get isApart(): boolean {
    return this.options.flavour !== "h";
  }

  /** Where the tree's processes have the numbers that they know themselves: by way of one of them. */
  private get proc(): string {
    const guide = this.init === undefined ? (this.isApart ? this.pid : undefined) : this.guide;
    return guide === undefined ? ourProc : `/proc/${guide}/root/proc`;
  }

  /** The first process of the tree as `proc` numbers it. */
  private get first(): number {
    if (this.init !== undefined) return this.inner;
    return this.isApart ? 1 : this.pid;
  }

  private get place(): Place {
    return { proc: this.proc, first: this.first, isLeft: this.isLeft, livesOn: this.livesOn };
  }

  /** A dump leaves a page of code as a copy in those that live on: in an init too whose child cannot be dumped. */
  private get livesOn(): boolean {
    return this.isLeft || (this.isApart && this.it.header.refused !== undefined);
  }

  /** Starts the case and waits until it says that its state stands. */
  async prepare(): Promise<void> {
    const { it, options } = this;
    const argv = it.language === "c" ? [await compileCase(it)] : [process.execPath, it.path];
    const env: Record<string, string> = { ...(options.mode === "spoil" ? { ZDTM_SPOIL: "1" } : {}) };
    if (comesBack.has(options.mode)) env.ZDTM_ENDS = "1";
    // The kernel writes the number of the CPU into a thread's rseq area: memory could not be compared.
    if (it.language === "c") env.GLIBC_TUNABLES = "glibc.pthread.rseq=0";
    else env.BUN_RUNTIME_TRANSPILER_CACHE_PATH = "0";
    Object.assign(env, it.header.env);
    const how = this.isApart ? { apart: true, user: this.options.flavour === "uns" } : { session: true };
    this.pid = await this.keeper.run({ argv, directory: this.directory, output: this.file("out"), ...how, env });
    let status: number | undefined;
    this.end = this.keeper.ended(this.pid);
    void this.end.then((s) => {
      status = s;
    });
    let waiting = true;
    const ready = async () => {
      const isOver = () => !waiting || existsSync(this.file("ready")) || status !== undefined;
      for (let nap = 2; !isOver() && this.verdict() === undefined; nap = Math.min(20, nap * 1.2)) await Bun.sleep(nap);
    };
    try {
      await within("waiting for the case to be ready", ready());
    } finally {
      waiting = false; // or the loop would keep the program running
    }
    const verdict = this.verdict();
    if (verdict?.startsWith("SKIP")) throw new Skipped(verdict.slice(5));
    // what takes root of the first user namespace cannot be prepared in another one
    const isRefused = /Operation not permitted|Permission denied/.test(verdict ?? "");
    if (isRefused && this.options.flavour === "uns") throw new Skipped(verdict ?? "");
    if (verdict !== undefined) throw new Failure(`the case gave up before the dump: ${verdict}`);
    if (status !== undefined) throw new Failure(`the case ended before the dump (${describeStatus(status)})`);
  }

  private async tscriu(command: readonly string[], images: string, log: string, words: string[]): Promise<number> {
    const argv = [...command, ...words, "-D", images, "-o", log, "-v4", ...(this.it.header.opts ?? [])];
    const pid = await this.keeper.run({ argv, directory: "/", output: join(images, `${log}.out`) });
    try {
      return await within(words[0] ?? "", this.keeper.ended(pid));
    } catch (error) {
      process.kill(pid, "SIGKILL");
      throw error;
    }
  }

  private blame(what: string, images: string, log: string): Failure {
    const said = tail(join(images, `${log}.out`), 12);
    const logged = tail(join(images, log), 25);
    return new Failure(`${what}${said && `\n  said:\n${said}`}${logged && `\n  end of ${log}:\n${logged}`}`);
  }

  private clean(images: string, log: string): void {
    const path = join(images, log);
    if (this.options.travel !== undefined || !existsSync(path)) return;
    const errors = readFileSync(path, "latin1")
      .split("\n")
      .filter((l) => l.includes("Error"));
    if (errors.length > 0)
      throw this.blame(`${log} holds errors:\n    ${errors.slice(0, 8).join("\n    ")}`, images, log);
  }

  private images(): string {
    const images = this.file(`images-${++this.round}`);
    mkdirSync(images);
    return images;
  }

  private async dump(images: string, more: string[]): Promise<number> {
    const begun = performance.now();
    const words = ["dump", "-t", String(this.pid), ...more, ...(this.it.header.dumpOpts ?? [])];
    const status = await this.tscriu(this.options.travel?.dumper ?? (await binary()), images, "dump.log", words);
    this.dumps.push(performance.now() - begun);
    return status;
  }

  /** Dumps, sees the tree gone, and restores. */
  async cycle(before: Snapshot): Promise<void> {
    const images = this.images();
    const pids = treeOf(this.pid);
    const status = await this.dump(images, []);
    if (status !== 0) throw this.blame(`dump ends with ${describeStatus(status)}`, images, "dump.log");
    this.clean(images, "dump.log");
    await poll(`after the dump, the end of ${pids.join(" ")}`, () => !pids.some((p) => existsSync(`/proc/${p}`)));
    await this.end;
    const { foreignVdso } = this.it.header;
    if (foreignVdso && makeVdsoForeign(images, foreignVdso) === 0) throw new Failure("the images have no vDSO");
    removeCgroups(this.directory);
    if (this.options.travel !== undefined) await this.outsideIsFree();
    const begun = performance.now();
    const fresh = this.options.mode === "fresh" ? ["--new-pidns"] : [];
    const words = ["restore", "-d", "--pidfile", "pid", ...fresh, ...(this.it.header.restoreOpts ?? [])];
    await this.options.travel?.look?.(images);
    const restorer = this.options.travel?.restorer ?? (await binary());
    const back = await this.tscriu(restorer, images, "restore.log", words);
    this.restores.push(performance.now() - begun);
    if (back !== 0) throw this.blame(`restore ends with ${describeStatus(back)}`, images, "restore.log");
    this.clean(images, "restore.log");
    const written = existsSync(join(images, "pid")) ? readFileSync(join(images, "pid"), "utf8") : "nothing";
    // outside of its namespace the init has any number
    if (fresh.length > 0) this.find(Number(written));
    else if (this.isApart) this.pid = Number(written);
    else if (written !== String(this.pid)) throw new Failure(`the pid file holds ${written}, not ${this.pid}`);
    this.end = this.keeper.ended(this.init ?? this.pid);
    if (this.options.travel === undefined) await this.onlooker.becomes(`after restore ${this.round}`, before);
  }

  /** The kernel takes a network down when it likes, and ends of pairs outside with it: others than we do not wait for that. */
  private async outsideIsFree(): Promise<void> {
    for (const word of this.it.header.restoreOpts ?? []) {
      const outer = /^veth\[\w+\]:(\w+)/.exec(word)?.[1];
      if (outer === undefined) continue;
      const devices = () => readFileSync(`/proc/${this.keeper.pid}/net/dev`, "latin1");
      await poll(`the end of ${outer}`, () => !new RegExp(`^\\s*${outer}:`, "m").test(devices()));
    }
  }

  /** The tree has an init above it, by which signals and the root's end go. */
  private find(root: number): void {
    if (!(root > 0)) throw new Failure("the pid file holds no pid");
    const inner = this.isApart ? 1 : this.pid;
    if (this.isApart) this.pid = root;
    else {
      this.inner = inner;
      const init = Number(statFields(`${ourProc}/${root}/stat`)[4]);
      const mounts = (pid: number) => readlinkSync(`${ourProc}/${pid}/ns/mnt`);
      this.guide = mounts(init) === mounts(this.keeper.pid) ? root : init;
      this.init = init;
      this.pid = init;
    }
  }

  async leaveRunning(before: Snapshot): Promise<void> {
    const { refusedRunning } = this.it.header;
    if (refusedRunning !== undefined) return this.refused(refusedRunning, before, ["--leave-running"]);
    const images = this.images();
    const status = await this.dump(images, ["--leave-running"]);
    if (status !== 0) throw this.blame(`dump ends with ${describeStatus(status)}`, images, "dump.log");
    this.clean(images, "dump.log");
    await this.onlooker.becomes("after a dump that leaves it running", before);
  }

  async refused(pattern: string, before: Snapshot, more: string[]): Promise<void> {
    const images = this.images();
    const status = await this.dump(images, more);
    if (status === 0) throw new Failure("the dump was made, though it had to be refused");
    const told = tail(join(images, "dump.log"), 200) + tail(join(images, "dump.log.out"), 200);
    if (!new RegExp(pattern).test(told)) throw this.blame(`the refusal does not say /${pattern}/`, images, "dump.log");
    await this.onlooker.becomes("after a refused dump", before);
  }

  /** Tells the case to check itself, and reads what it says. */
  async verify(): Promise<void> {
    try {
      process.kill(this.pid, "SIGTERM");
    } catch {
      throw new Failure(`the case is gone before it could check itself${tail(this.file("out"), 10)}`);
    }
    let status: number | undefined;
    void this.end.then((s) => {
      status = s;
    });
    // A child may have failed the case while the first process still waits for it.
    const failed = () => this.verdict()?.startsWith("FAIL") === true;
    // an init stays as long as anybody whom the first process has left behind
    const left = () => this.init !== undefined && !existsSync(`${this.proc}/${this.inner}`);
    await poll("waiting for the verdict", () => status !== undefined || failed() || left());
    if (status === undefined && this.verdict() === "PASS" && left()) status = 0;
    const verdict = this.verdict();
    if (verdict !== "PASS" || status !== 0) {
      const output = tail(this.file("out"), 10);
      throw new Failure(
        `the case says: ${verdict ?? "nothing"}${status === undefined ? "" : ` (${describeStatus(status)})`}${output && `\n${output}`}`,
      );
    }
  }

  /** The case breaks its own state and has to notice, sooner or later. */
  private async spoil(): Promise<void> {
    try {
      await this.prepare();
      if (this.it.suite === "transition") await Bun.sleep(300); // it comes to its own breaking
      await this.verify();
    } catch (error) {
      if (this.verdict()?.startsWith("FAIL") === true) return;
      throw error;
    }
    throw new Failure("the state was spoiled and the case did not notice");
  }

  async all(): Promise<void> {
    const { mode, iterations } = this.options;
    if (mode === "spoil") return this.spoil();
    await this.prepare();
    const before = await this.onlooker.settled();
    const { refused } = this.it.header;
    if (mode === "nocr") {
      await Bun.sleep(20);
      this.onlooker.compare("without any dump", before);
    } else if (refused !== undefined) await this.refused(refused, before, this.isLeft ? ["--leave-running"] : []);
    else if (mode === "running") await this.leaveRunning(before);
    else {
      const { foreignVdso, once } = this.it.header;
      const wanted = foreignVdso ? Math.max(iterations, 2) : iterations;
      // what was restored with an init of its own is another tree
      const rounds = mode === "fresh" || once !== undefined ? 1 : wanted;
      for (let i = 0; i < rounds; i++) await this.cycle(before);
      if (mode === "again" && once === undefined) {
        this.isLeft = true;
        await this.leaveRunning(await this.onlooker.settled());
      }
    }
    await this.verify();
  }
}
