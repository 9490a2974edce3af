/** podman has runc drive us: containers are saved and brought back, under another name too. */
import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { freePort } from "../programs/real/real.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";
import { Client } from "./lib/client.ts";

const programs = ["podman", "runc", "busybox", "tar"].map((name) => Bun.which(name));
const isThere = process.getuid?.() === 0 && programs.every((path) => path !== null);
const LIMITS = ["--ulimit", "nofile=512:512", "--ulimit", "nproc=512:512"];
const COUNTS = "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; sleep 0.05; done";

/** How far a container has come. */
function countOf(pid: string): number {
  const path = `/proc/${pid}/root/tmp/count`;
  return existsSync(path) ? Number(readFileSync(path, "latin1")) : 0;
}

/** A podman with a storage of its own. */
class Podman implements Disposable {
  readonly scratch = new Scratch();

  /** Standard output; throws with what was said when it fails. Containers must not hold files of ours: they lie outside. */
  run(...words: string[]): string {
    const own = ["--root", this.scratch.file("storage"), "--runroot", this.scratch.file("run")];
    const argv = ["podman", ...own, "--runtime", "runc", "--cgroup-manager", "cgroupfs", ...words];
    const env = { ...process.env, PATH: `${this.scratch.path}:${process.env.PATH}` };
    const done = Bun.spawnSync(argv, { env, stdin: "ignore", cwd: this.scratch.path });
    if (done.exitCode !== 0) throw new Error(`podman ${words.join(" ")}: ${done.stderr.toString()}`);
    return done.stdout.toString().trim();
  }

  async prepare(): Promise<void> {
    const root = this.scratch.file("rootfs");
    for (const dir of ["bin", "tmp", "etc"]) mkdirSync(`${root}/${dir}`, { recursive: true });
    copyFileSync(Bun.which("busybox") ?? "", `${root}/bin/busybox`);
    for (const name of ["sh", "sleep"]) symlinkSync("busybox", `${root}/bin/${name}`);
    writeFileSync(this.scratch.file("criu"), `#!/bin/sh\nexec ${(await binary()).join(" ")} "$@"\n`, { mode: 0o755 });
    Bun.spawnSync(["tar", "-C", root, "-cf", this.scratch.file("image.tar"), "."]);
    this.run("import", this.scratch.file("image.tar"), "counter");
  }

  pid(name: string): string {
    return this.run("inspect", "--format", "{{.State.Pid}}", name);
  }

  count(name: string): number {
    return countOf(this.pid(name));
  }

  async counts(name: string, from: number): Promise<void> {
    const pid = this.pid(name);
    await until("it does not count on", () => (countOf(pid) > from + 2 ? undefined : `${countOf(pid)}`));
  }

  [Symbol.dispose](): void {
    for (const what of [
      ["rm", "--force", "--all", "--time", "0"],
      ["rmi", "--force", "--all"],
    ])
      try {
        this.run(...what);
      } catch {
        // it never began
      }
    this.scratch[Symbol.dispose]();
  }
}

test.skipIf(!isThere)(
  `a container is saved and brought back in its place, left running, and taken to two other names side by side${isThere ? "" : " (it needs root, podman and busybox)"}`,
  async () => {
    using podman = new Podman();
    try {
      await podman.prepare();
      const more = ["--network", "none", ...LIMITS, "--tmpfs", "/tmp"];
      podman.run("run", "--detach", "--name", "one", ...more, "counter", "sh", "-c", COUNTS);
    } catch (error) {
      console.log(`skipped a container of podman, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    await podman.counts("one", 0);
    let count = podman.count("one");
    podman.run("container", "checkpoint", "one");
    podman.run("container", "restore", "one");
    await podman.counts("one", count);
    podman.run("container", "checkpoint", "--leave-running", "one");
    count = podman.count("one");
    await podman.counts("one", count);
    podman.run("container", "checkpoint", "--export", podman.scratch.file("one.tar.gz"), "one");
    podman.run("rm", "--force", "--time", "0", "one");
    podman.run("container", "restore", "--import", podman.scratch.file("one.tar.gz"), "--name", "two");
    podman.run("container", "restore", "--import", podman.scratch.file("one.tar.gz"), "--name", "three");
    for (const name of ["two", "three"]) await podman.counts(name, count);
    expect(podman.run("ps", "--format", "{{.Names}}").split("\n").sort()).toEqual(["three", "two"]);
  },
  300_000,
);

test.skipIf(!isThere)(
  `a container in a user namespace is saved and brought back in its place${isThere ? "" : " (it needs root, podman and busybox)"}`,
  async () => {
    using podman = new Podman();
    try {
      await podman.prepare();
      chmodSync(podman.scratch.path, 0o711);
      const users = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"];
      const more = ["--network", "none", ...users, ...LIMITS, "--tmpfs", "/tmp"];
      podman.run("run", "--detach", "--name", "one", ...more, "counter", "sh", "-c", COUNTS);
    } catch (error) {
      console.log(`skipped a container of podman, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    for (let round = 0; round < 2; round++) {
      const count = podman.count("one");
      await podman.counts("one", count);
      podman.run("container", "checkpoint", "one");
      podman.run("container", "restore", "one");
      await podman.counts("one", count);
      const pid = podman.pid("one");
      expect(readFileSync(`/proc/${pid}/status`, "latin1")).toMatch(/^Uid:\s+100000\s/m);
      expect(podman.run("exec", "one", "sh", "-c", "read a b c </proc/self/uid_map; echo $a $b $c")).toBe(
        "0 100000 65536",
      );
    }
  },
  300_000,
);

test.skipIf(!isThere)(
  `statistics, kept images and connections are as podman's options say${isThere ? "" : " (it needs root, podman and busybox)"}`,
  async () => {
    using podman = new Podman();
    const port = freePort();
    try {
      await podman.prepare();
      const server = `busybox nc -l -p ${port} -e busybox cat; sleep 1000000`;
      const more = ["--network", "host", "--cgroupns", "host", ...LIMITS];
      podman.run("run", "--detach", "--name", "one", ...more, "counter", "busybox", "sh", "-c", server);
    } catch (error) {
      console.log(`skipped a server of podman, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    const client = await Client.connect(port);
    await client.asks("before");
    const saved = JSON.parse(
      podman.run("container", "checkpoint", "--tcp-established", "--keep", "--print-stats", "one"),
    );
    const [dumped] = saved.container_statistics;
    expect(dumped.criu_statistics.pages_written).toBeGreaterThan(0);
    expect(dumped.criu_statistics.frozen_time).toBeGreaterThan(0);
    const back = JSON.parse(podman.run("container", "restore", "--tcp-established", "--keep", "--print-stats", "one"));
    expect(back.container_statistics[0].criu_statistics.pages_restored).toBeGreaterThan(0);
    await client.asks("after");
    const place = podman.run("inspect", "--format", "{{.State.CheckpointPath}}", "one");
    expect(existsSync(`${place}/inventory.img`)).toBe(true);
    client.end();
  },
  300_000,
);
