/** What a client of a large server sees of a dump that leaves it running, against the time that we say it stood still. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStats } from "../src/image/work.ts";
import { freePort, without } from "../zdtm/programs/real/real.ts";
import type { Figure, Samples, Turn } from "./figure.ts";
import { tree, tscriu } from "./place.ts";
import { patiently } from "./victim.ts";

/** So many values of 1 MiB. */
const values = 1024;

class Redis implements Turn {
  #dir = "";
  #port = 0;
  #server: ChildProcess | undefined;
  #client: ChildProcess | undefined;

  prepare(): void {
    this.#dir = mkdtempSync(join(tmpdir(), "tscriu-bench-"));
    this.#port = freePort();
    const place = ["--bind", "127.0.0.1", "--port", `${this.#port}`, "--dir", this.#dir];
    const words = [...place, "--save", "", "--appendonly", "no"];
    this.#server = spawn("redis-server", words, { stdio: "ignore", detached: true, cwd: "/" });
    patiently("redis answers", () => (this.#ask("PING") === "PONG" ? true : undefined));
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(1 << 15))).toString("hex");
    const fill =
      "for i = 1, tonumber(ARGV[2]) do redis.call('SET', i, i .. string.rep(ARGV[1], 16)) end return 'filled'";
    const filled = this.#ask("EVAL", fill, "0", random, `${values}`);
    if (filled !== "filled") throw new Error(`redis cannot be filled: ${filled}`);
    const asker = [join(tree, "bench/asker.ts"), `${this.#port}`, join(this.#dir, "pause")];
    this.#client = spawn(process.execPath, asker, { stdio: ["ignore", "ignore", "inherit"] });
    patiently("the client is there", () => (/cmd=echo/.test(this.#ask("CLIENT", "LIST")) ? true : undefined));
    this.#pause();
    this.#client.kill("SIGSTOP"); // it would disturb what else is measured
  }

  #ask(...words: string[]): string {
    return spawnSync("redis-cli", ["-p", `${this.#port}`, ...words], { encoding: "utf8" }).stdout.trim();
  }

  /** The longest since the last time. */
  #pause(): number {
    const path = join(this.#dir, "pause");
    this.#client?.kill("SIGUSR1");
    const pause = Number(
      patiently("the client tells", () => (existsSync(path) ? readFileSync(path, "utf8") : undefined)),
    );
    rmSync(path);
    return pause;
  }

  run(samples: Samples): void {
    const images = join(this.#dir, "images");
    mkdirSync(images);
    const words = ["dump", "-t", `${this.#server?.pid}`, "-D", images, "--leave-running", "--tcp-established"];
    this.#client?.kill("SIGCONT");
    this.#pause();
    const done = spawnSync(tscriu, words, { encoding: "utf8" });
    if (done.status !== 0)
      throw new Error(`the dump of redis ended with ${done.status ?? done.signal}\n${done.stderr}`);
    samples.add("redis.pause", this.#pause());
    this.#client?.kill("SIGSTOP");
    samples.add("redis.frozen", (readStats(images, "dump")?.dump?.frozen_time ?? Number.NaN) / 1000);
    rmSync(images, { recursive: true });
  }

  dispose(): void {
    this.#client?.kill("SIGKILL");
    this.#server?.kill("SIGKILL");
    if (this.#dir !== "") rmSync(this.#dir, { recursive: true, force: true });
  }
}

export const redis: Figure = {
  what: "pause that a client of redis with 1 GiB sees, against the frozen time",
  missing: without("redis-server", "redis-server") ?? without("redis-cli", "redis-tools"),
  atMost: 1.3,
  unit: "ms",
  ours: "redis.pause",
  base: "redis.frozen",
  turns: [new Redis()],
};
