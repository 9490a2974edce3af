/** A container of runc with twenty processes, saved and brought back by runc, against what runc itself takes to run and kill it. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Figure, Samples, Turn } from "./figure.ts";
import { small, tscriu } from "./place.ts";
import { patiently } from "./victim.ts";

const PROCESSES = 20;
/** Milliseconds between two looks where the time counts until something is so. */
const OFTEN = 0.2;
const [runc, busybox] = [Bun.which("runc"), Bun.which("busybox")];

interface Spec {
  process: { terminal: boolean; args: string[] };
  linux: { namespaces: { type: string }[] };
}

class Container implements Turn {
  readonly #id = `tscriu-bench-${process.pid}`;
  #dir = "";
  #turn = 0;

  prepare(): void {
    this.#dir = mkdtempSync(join(small, "tscriu-bench-"));
    const root = join(this.#dir, "rootfs");
    for (const dir of ["bin", "dev", "proc", "sys", "tmp"]) mkdirSync(join(root, dir), { recursive: true });
    copyFileSync(busybox ?? "", join(root, "bin/busybox"));
    chmodSync(join(root, "bin/busybox"), 0o755);
    for (const name of ["sh", "sleep"]) symlinkSync("busybox", join(root, "bin", name));
    // what runc calls criu
    symlinkSync(tscriu, join(this.#dir, "criu"));
    this.#runc("spec");
    const path = join(this.#dir, "config.json");
    const spec: Spec = JSON.parse(readFileSync(path, "utf8"));
    spec.process.terminal = false;
    const children = `i=1; while [ $i -lt ${PROCESSES} ]; do sleep 100000 & i=$((i+1)); done; wait`;
    spec.process.args = ["/bin/sh", "-c", children];
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "cgroup");
    writeFileSync(path, JSON.stringify(spec));
  }

  /** Milliseconds. What it starts must not hold our files. */
  #runc(...words: string[]): number {
    const script = `exec runc --log complained "$@" </dev/null >/dev/null 2>&1`;
    const env = { ...process.env, PATH: `${this.#dir}:${process.env.PATH}` };
    const since = performance.now();
    const done = spawnSync("sh", ["-c", script, "sh", ...words], { cwd: this.#dir, env });
    const ms = performance.now() - since;
    if (done.status === 0) return ms;
    const logs = ["complained", "work/dump.log", "work/restore.log"].map((name) => join(this.#dir, name));
    const said = logs.filter((log) => existsSync(log)).map((log) => readFileSync(log, "latin1").slice(-1500));
    throw new Error(`runc ${words[0]} failed\n${said.join("\n")}`);
  }

  /** The pid of its init, as runc wrote it down. */
  get #init(): number {
    return Number(readFileSync(join(this.#dir, "pid"), "latin1"));
  }

  /** Waits until all of it runs, as it does when a restore returns. Returns the pid of its init. */
  #isWhole(): number {
    const pid = this.#init;
    return patiently(
      "all of the container runs",
      () => {
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
        return children.length === PROCESSES - 1 ? pid : undefined;
      },
      OFTEN,
    );
  }

  run(samples: Samples): void {
    // those of before stay, for a TMPDIR on a disk
    const images = ["--image-path", join(this.#dir, `images-${++this.#turn}`), "--work-path", join(this.#dir, "work")];
    const pid = ["--pid-file", join(this.#dir, "pid")];
    const beginning = performance.now();
    this.#runc("run", "--detach", ...pid, this.#id);
    this.#isWhole();
    const began = performance.now() - beginning;
    samples.add("runc.checkpoint", this.#runc("checkpoint", ...images, this.#id));
    samples.add("runc.restore", this.#runc("restore", "--detach", ...pid, ...images, this.#id));
    const init = this.#isWhole();
    const since = performance.now();
    this.#runc("kill", this.#id, "KILL");
    patiently("the container is gone", () => isGone(init), OFTEN);
    samples.add("runc.life", began + performance.now() - since);
    this.#runc("delete", this.#id);
  }

  dispose(): void {
    if (this.#dir === "") return;
    spawnSync("runc", ["delete", "--force", this.#id]);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Nothing of its pid namespace is left when its init has ended: whether anybody has waited for that is all the same. */
function isGone(init: number): true | undefined {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${init}/status`, "latin1")) || undefined;
  } catch {
    return true;
  }
}

const turns = [new Container()];
const missing = runc === null || busybox === null ? "it takes runc and busybox" : undefined;

export const container: readonly Figure[] = [
  {
    what: "runc checkpoint of 20 processes against runc run until all run and runc kill together",
    missing,
    atMost: 1,
    unit: "ms",
    ours: "runc.checkpoint",
    base: "runc.life",
    turns,
  },
  {
    what: "runc restore of 20 processes against runc run until all run and runc kill together",
    missing,
    atMost: 1,
    unit: "ms",
    ours: "runc.restore",
    base: "runc.life",
    turns,
  },
];
