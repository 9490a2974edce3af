/** runc drives us as it drives criu: containers with its usual mounts, namespaces and cgroups. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { mountTable } from "../lib/mount-table.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";

const [runc, busybox] = [Bun.which("runc"), Bun.which("busybox")];
const testTime = 120_000;

class Container implements Disposable {
  readonly scratch = new Scratch();
  readonly id = `tscriu-${process.pid}-${Bun.nanoseconds()}`;
  readonly #path = `${this.scratch.path}:${process.env.PATH}`;

  private constructor(readonly argv: readonly string[]) {}

  /** A bundle whose program counts, in a tmpfs, for as long as it lives. */
  static async make(change: (spec: Spec) => void = () => {}): Promise<Container> {
    const it = new Container(await binary());
    const root = it.scratch.file("rootfs");
    for (const dir of ["bin", "dev", "proc", "sys", "tmp"]) mkdirSync(`${root}/${dir}`, { recursive: true });
    copyFileSync(busybox ?? "", `${root}/bin/busybox`);
    for (const name of ["sh", "sleep", "cat"]) symlinkSync("busybox", `${root}/bin/${name}`);
    // what runc calls criu
    writeFileSync(it.scratch.file("criu"), `#!/bin/sh\nexec ${it.argv.join(" ")} "$@"\n`, { mode: 0o755 });
    it.runc("spec");
    const spec: Spec = JSON.parse(readFileSync(it.scratch.file("config.json"), "utf8"));
    spec.process.terminal = false;
    spec.process.args = ["/bin/sh", "-c", "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; sleep 0.02; done"];
    const kinds = ["pid", "network", "ipc", "uts", "mount"];
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => kinds.includes(type));
    spec.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"] });
    change(spec);
    writeFileSync(it.scratch.file("config.json"), JSON.stringify(spec));
    return it;
  }

  /** Standard output; throws with what was said when it fails. */
  runc(...words: string[]): string {
    const options = { cwd: this.scratch.path, env: { ...process.env, PATH: this.#path } };
    const done = Bun.spawnSync(["runc", ...words], { ...options, stdin: "ignore" });
    if (done.exitCode !== 0) throw new Error(`runc ${words[0]}: ${done.stderr.toString()}${this.#log()}`);
    return done.stdout.toString();
  }

  /** Detached: it must not hold our files, which lie outside of it. */
  start(...words: string[]): void {
    const script = `exec runc --log complained "$@" </dev/null >/dev/null 2>&1`;
    const options = { cwd: this.scratch.path, env: { ...process.env, PATH: this.#path } };
    const done = Bun.spawnSync(["sh", "-c", script, "sh", ...words, this.id], options);
    if (done.exitCode !== 0)
      throw new Error(`runc ${words[0]}: ${readFileSync(this.scratch.file("complained"), "utf8")}${this.#log()}`);
  }

  /** Begins it; false, and said to be skipped with runc's own words, where none runs. */
  runs(): boolean {
    try {
      this.start("run", "--detach");
      return true;
    } catch (error) {
      console.log(`skipped a container of runc, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return false;
    }
  }

  #log(): string {
    const logs = ["dump.log", "restore.log"]
      .map((name) => this.scratch.file(`work/${name}`))
      .filter((path) => existsSync(path));
    return logs.map((path) => readFileSync(path, "latin1").slice(-1500)).join("\n");
  }

  get pid(): number {
    return JSON.parse(this.runc("state", this.id)).pid;
  }

  get count(): number {
    const path = `/proc/${this.pid}/root/tmp/count`;
    return existsSync(path) ? Number(readFileSync(path, "latin1")) : 0;
  }

  /** It counts on from there. */
  async counts(from: number): Promise<void> {
    await until("it does not count on", () => (this.count > from + 2 ? undefined : `${this.count}, it was ${from}`));
  }

  mounts(): string[] {
    const text = readFileSync(`/proc/${this.pid}/mountinfo`, "latin1");
    // what runc binds of cgroups and of /dev/null at a restore is its own choice
    const own = mountTable(text, (kind) => kind).filter(
      ({ place }) => !/cgroup|^\/proc\/(keys|timer_list|latency_stats)/.test(place),
    );
    return own.map(({ place, what }) => `${place} ${what}`);
  }

  get images(): string[] {
    return ["--image-path", this.scratch.file("images"), "--work-path", this.scratch.file("work")];
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(["runc", "delete", "--force", this.id]);
    this.scratch[Symbol.dispose]();
  }
}

interface Spec {
  process: { terminal: boolean; args: string[] };
  root: { readonly: boolean };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  linux: { namespaces: { type: string }[]; resources: Record<string, unknown> };
}

describe("runc", () => {
  if (process.getuid?.() !== 0 || runc === null || busybox === null) {
    test.skip("checkpoints and restores (they need root, runc and busybox)", () => {});
    return;
  }

  test.each([true, false])(
    "a container is saved, gone, and brought back, its root read-only: %p",
    async (readonly) => {
      using container = await Container.make((spec) => {
        spec.root.readonly = readonly;
      });
      if (!container.runs()) return;
      await container.counts(0);
      const [mounts, cgroup] = [container.mounts(), readFileSync(`/proc/${container.pid}/cgroup`, "latin1")];
      for (let round = 0; round < 2; round++) {
        const { count } = container;
        container.runc("checkpoint", ...container.images, container.id);
        expect(() => container.runc("state", container.id)).toThrow("does not exist");
        container.start("restore", "--detach", ...container.images);
        await container.counts(count);
        expect(container.mounts()).toEqual(mounts);
        expect(readFileSync(`/proc/${container.pid}/cgroup`, "latin1")).toBe(cgroup);
        expect(container.runc("exec", container.id, "cat", "/proc/1/comm")).toBe("sh\n");
      }
    },
    testTime,
  );

  test(
    "a container that is left running counts on",
    async () => {
      using container = await Container.make();
      if (!container.runs()) return;
      await container.counts(0);
      const { count, pid } = container;
      container.runc("checkpoint", "--leave-running", ...container.images, container.id);
      expect(container.pid).toBe(pid);
      await container.counts(count);
    },
    testTime,
  );

  test(
    "a container in a cgroup namespace comes back to its cgroup, with what limits it",
    async () => {
      using container = await Container.make((spec) => {
        spec.linux.namespaces.push({ type: "cgroup" });
        spec.linux.resources = { pids: { limit: 99 }, memory: { limit: 1 << 28 }, cpu: { shares: 333 } };
      });
      if (!container.runs()) return;
      await container.counts(0);
      const limits = () => container.runc("exec", container.id, "sh", "-c", LIMITS);
      const [before, mounts] = [limits(), container.mounts()];
      expect(before).toContain("99");
      for (let round = 0; round < 2; round++) {
        const { count } = container;
        container.runc("checkpoint", ...container.images, container.id);
        container.start("restore", "--detach", ...container.images);
        await container.counts(count);
        expect(limits()).toBe(before);
        expect(container.mounts()).toEqual(mounts);
      }
    },
    testTime,
  );
});

/** What the tree sees of its cgroups: the namespace begins where it lives. */
const LIMITS =
  "cat /proc/1/cgroup; cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes cpu/cpu.shares pids.max memory.max cpu.weight 2>/dev/null; true";
