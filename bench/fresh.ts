/** One set of images, restored many times side by side in pid namespaces of their own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure, Samples, Turn } from "./figure.ts";
import { tree, tscriu } from "./place.ts";
import { patiently, victimProgram } from "./victim.ts";

const MANY = 10;
/** Bytes of random memory that the victim has. */
const MEMORY = 64 << 20;

class Fresh implements Turn {
  #dir = "";

  prepare(): void {
    this.#dir = mkdtempSync(join(tmpdir(), "tscriu-bench-"));
    const ready = join(this.#dir, "ready");
    const script = `setsid "$@" </dev/null >/dev/null 2>&1 &`;
    const words = [victimProgram(), ready, "memory", `${MEMORY}`, this.#dir];
    spawnSync("sh", ["-c", script, "sh", ...words], { stdio: "ignore", cwd: "/" });
    const pid = patiently("the victim is ready", () => textOf(ready)).trim();
    const images = join(this.#dir, "images");
    mkdirSync(images);
    const done = spawnSync(tscriu, ["dump", "-t", pid, "-D", images], { encoding: "utf8", cwd: tree });
    if (done.status !== 0) throw new Error(done.stderr);
  }

  run(samples: Samples): void {
    samples.add("fresh.one", this.#restore(1));
    samples.add("fresh.many", this.#restore(MANY));
  }

  /** Milliseconds until the last one runs. */
  #restore(count: number): number {
    const places = Array.from({ length: count }, (_, i) => join(this.#dir, `${i}`));
    for (const place of places) mkdirSync(place);
    const line = `for place; do ${tscriu} restore -d --new-pidns -D ${this.#dir}/images -W "$place" --pidfile pid || echo "$place" & done; wait`;
    const since = performance.now();
    const done = spawnSync("sh", ["-c", line, "sh", ...places], { encoding: "utf8" });
    const ms = performance.now() - since;
    for (const place of places) end(place);
    if (done.status !== 0 || done.stdout !== "") throw new Error(`${done.stdout} were not restored: ${done.stderr}`);
    return ms;
  }

  dispose(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8") || undefined;
  } catch {
    return undefined;
  }
}

/** With the init all go. */
function end(place: string): void {
  const root = textOf(join(place, "pid"));
  const init = root && /^PPid:\t(\d+)$/m.exec(textOf(`/proc/${root}/status`) ?? "")?.[1];
  if (init) process.kill(Number(init), "SIGKILL");
  patiently("a tree is gone", () => (root && textOf(`/proc/${root}/status`) ? undefined : true));
  rmSync(place, { recursive: true, force: true });
}

export const fresh: Figure = {
  what: "ten restores of one image set with --new-pidns against one",
  atMost: MANY,
  unit: "ms",
  ours: "fresh.many",
  base: "fresh.one",
  turns: [new Fresh()],
};
