/** Trees in cgroups of their own: all tasks of a tree in the same ones. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, until } from "../unharmed/lib/victim.ts";
import { Stage, sleepers } from "./stage.ts";

/** Cgroups of the test, made in the first hierarchy that lets us. */
class Cgroups implements Disposable {
  readonly made: string[] = [];
  readonly top: string | undefined;

  constructor() {
    const name = `tscriu-test-${process.pid}`;
    for (const { fsType, mountpoint } of ownMounts()) {
      if (!/^cgroup2?$/.test(fsType) || this.top !== undefined) continue;
      try {
        mkdirSync(`${mountpoint}/${name}`);
        this.made.push(`${mountpoint}/${name}`);
        this.top = `${mountpoint}/${name}`;
      } catch {
        // not ours to change
      }
    }
  }

  add(name: string): string {
    const path = `${this.top}/${name}`;
    mkdirSync(path);
    this.made.push(path);
    return path;
  }

  remove(path: string): void {
    rmdirSync(path);
    this.made.splice(this.made.indexOf(path), 1);
  }

  [Symbol.dispose](): void {
    for (const path of this.made.toReversed()) rmdirSync(path);
  }
}

const pathsOf = (pid: number) => readFileSync(`/proc/${pid}/cgroup`, "latin1");

test.skipIf(process.getuid?.() !== 0)(
  "a tree enters the cgroup again that it was in, or the one that the user gives; one that is gone is told",
  async () => {
    using cgroups = new Cgroups();
    if (cgroups.top === undefined) {
      console.log("skipped: no cgroup can be made here");
      return;
    }
    const [one, other] = [cgroups.add("one"), cgroups.add("other")];
    const script = `echo 0 >${one}/cgroup.procs; sleep 1000000 & wait`;
    const stage = await Stage.set(["--uts"], script, sleepers(1));
    try {
      const manage = "--manage-cgroups=soft";
      const all = () => [...new Set(treeOf(stage.root).map(pathsOf))];
      const before = all();
      expect(before.length).toBe(1);
      expect(before[0]).toContain("/one\n");
      await stage.dump(manage);
      await stage.restore(manage);
      expect(all()).toEqual(before);
      await stage.dump(manage);
      const path = /^\d+:[^:]*:(.*)\/one$/m.exec(before[0] ?? "")?.[1];
      const controller = /^\d+:([^:]*):.*\/one$/m
        .exec(before[0] ?? "")?.[1]
        ?.replace(/^name=/, "")
        .split(",")[0];
      await stage.restore(manage, "--cgroup-root", `${controller ? `${controller}:` : ""}${path}/other`);
      expect(all()).toEqual([before[0]?.replace("/one\n", "/other\n") ?? ""]);
      await stage.dump(manage);
      await until("its tasks are in it still", () => readFileSync(`${other}/cgroup.procs`, "latin1") || undefined);
      cgroups.remove(other);
      expect(await refusal(stage.restore(manage))).toContain("cannot enter the cgroup");
      await stage.restore("--manage-cgroups=ignore");
      expect(all()[0]).not.toContain("/other");
      process.kill(treeOf(stage.root)[1] ?? 0, "SIGKILL");
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  },
  60_000,
);

test.skipIf(process.getuid?.() !== 0)(
  "tasks of one tree in several cgroups are refused",
  async () => {
    using cgroups = new Cgroups();
    if (cgroups.top === undefined) return;
    const one = cgroups.add("several");
    const script = `sh -c 'echo 0 >${one}/cgroup.procs; exec sleep 1000000' & wait`;
    const stage = await Stage.set(["--uts"], script, sleepers(1));
    try {
      expect(await refusal(stage.dump("--manage-cgroups=soft"))).toContain("another cgroup than the tree's root");
      await stage.dump();
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  },
  60_000,
);
