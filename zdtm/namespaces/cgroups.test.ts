/** Trees in cgroups of their own: who makes these again, where else they can go, what of them is saved. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { treeOf } from "../lib/snapshot.ts";
import { refusal } from "../unharmed/lib/victim.ts";
import { Stage, sleepers } from "./stage.ts";

/** Where the first hierarchy is mounted that has a count of processes to limit. */
const pids = ownMounts().find(
  ({ fsType, superOptions }) => fsType === "cgroup" && superOptions.split(",").includes("pids"),
)?.mountpoint;
let number = 0;

/** Cgroups of a test: one, and one in it. */
class Cgroups implements Disposable {
  readonly name = `tscriu-test-${process.pid}-${++number}`;
  readonly one = `${pids}/${this.name}`;
  readonly inner = `${this.one}/inner`;
  readonly #tops = [this.one];

  constructor() {
    mkdirSync(this.one);
    mkdirSync(this.inner);
    writeFileSync(`${this.inner}/pids.max`, "55");
  }

  /** Another name, that of a directory which a restore may make. */
  other(): string {
    const path = `${this.one}-other`;
    this.#tops.push(path);
    return path;
  }

  remove(): void {
    for (const top of this.#tops) for (const path of [`${top}/inner`, top]) if (existsSync(path)) rmdirSync(path);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

const pathOf = (pid: number) => /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "latin1"))?.[1];
const paths = (stage: Stage) => [...new Set(treeOf(stage.root).map(pathOf))];
const limitOf = (path: string) => readFileSync(`${path}/pids.max`, "latin1").trim();

async function tree(cgroups: Cgroups): Promise<Stage> {
  const script = `echo 0 >${cgroups.inner}/cgroup.procs; sleep 1000000 & wait`;
  return await Stage.set(["--uts"], script, sleepers(1));
}

describe("cgroups of a tree", () => {
  if (process.getuid?.() !== 0 || pids === undefined) {
    test.skip("are dumped and restored (they need root and the v1 hierarchy pids)", () => {});
    return;
  }

  test("soft, and nothing said: what is gone is made with its properties, what is there keeps its own", async () => {
    using cgroups = new Cgroups();
    await using stage = await tree(cgroups);
    await stage.dump();
    cgroups.remove();
    await stage.restore();
    expect(paths(stage)).toEqual([`/${cgroups.name}/inner`]);
    expect(limitOf(cgroups.inner)).toBe("55");
    await stage.dump("--manage-cgroups");
    writeFileSync(`${cgroups.inner}/pids.max`, "66");
    await stage.restore("--manage-cgroups=soft");
    expect(limitOf(cgroups.inner)).toBe("66");
  });

  test("full and props set the properties, none and props want the cgroups to be there, strict wants them gone", async () => {
    using cgroups = new Cgroups();
    await using stage = await tree(cgroups);
    const again = async (mode: string) => {
      await stage.dump("--manage-cgroups");
      writeFileSync(`${cgroups.inner}/pids.max`, "66");
      await stage.restore(`--manage-cgroups=${mode}`);
      const limit = limitOf(cgroups.inner);
      writeFileSync(`${cgroups.inner}/pids.max`, "55");
      return limit;
    };
    expect(await again("full")).toBe("55");
    expect(await again("props")).toBe("55");
    expect(await again("none")).toBe("66");
    await stage.dump("--manage-cgroups");
    expect(await refusal(stage.restore("--manage-cgroups=strict"))).toContain("the cgroup is there already");
    cgroups.remove();
    for (const mode of ["none", "props"])
      expect(await refusal(stage.restore(`--manage-cgroups=${mode}`))).toContain("the cgroup is not there");
    expect(existsSync(cgroups.one)).toBe(false);
    await stage.restore("--manage-cgroups=strict");
    expect(limitOf(cgroups.inner)).toBe("55");
  });

  test("a restore that fails takes its cgroups away", async () => {
    using cgroups = new Cgroups();
    await using stage = await tree(cgroups);
    await stage.dump("--manage-cgroups");
    cgroups.remove();
    const script = stage.scratch.file("script");
    writeFileSync(script, '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-restore ]\n', { mode: 0o755 });
    expect(await refusal(stage.restore("--action-script", script))).toContain("post-restore");
    expect(existsSync(cgroups.one)).toBe(false);
    await stage.restore();
  });

  test("they go where the user says, and ignored they are left alone", async () => {
    using cgroups = new Cgroups();
    await using stage = await tree(cgroups);
    const other = cgroups.other();
    await stage.dump("--manage-cgroups");
    await stage.restore("--manage-cgroups", "--cgroup-root", `pids:${other.slice(pids.length)}`);
    expect(paths(stage)).toEqual([`/${cgroups.name}-other`]);
    expect(limitOf(other)).toBe("55");
    // from the one above on: so its place is taken, and the tree is below
    await stage.dump("--manage-cgroups", "--cgroup-root", `pids:/${cgroups.name}-other`);
    await stage.restore("--manage-cgroups", "--cgroup-root", `pids:/${cgroups.name}`);
    expect(paths(stage)).toEqual([`/${cgroups.name}`]);
    await stage.dump();
    await stage.restore("--manage-cgroups=ignore");
    expect(paths(stage)).toEqual([pathOf(process.pid)]);
  });

  test("some controllers alone, or some properties; by way of a yard", async () => {
    using cgroups = new Cgroups();
    await using stage = await tree(cgroups);
    const image = async () => JSON.parse(await stage.crit("decode", "-i", `${stage.images}/cgroup.img`)).entries[0];
    await stage.dump("--cgroup-dump-controller", "pids");
    expect((await image()).controllers.map(({ cnames }: { cnames: string[] }) => cnames)).toEqual([["pids"]]);
    await stage.restore();
    expect(paths(stage)).toEqual([`/${cgroups.name}/inner`]);
    const yard = stage.scratch.file("yard");
    mkdirSync(yard);
    symlinkSync(pids, `${yard}/pids`);
    const props = '"pids":\n - "strategy": "replace"\n - "properties": ["pids.peak"]\n';
    const only = ["--cgroup-dump-controller", "pids", "--cgroup-yard", yard];
    await stage.dump(...only, "--cgroup-props", props);
    const { controllers } = await image();
    const names = controllers[0].dirs[0].properties.map(({ name }: { name: string }) => name);
    expect(names).toContain("cgroup.clone_children");
    expect(names).not.toContain("pids.max");
    cgroups.remove();
    await stage.restore("--cgroup-yard", yard);
    expect(limitOf(cgroups.inner)).toBe("max");
  });
});
