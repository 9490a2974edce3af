/** Trees in cgroups of their own: who makes these again, where else they can go, what of them is saved. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, until } from "../unharmed/lib/victim.ts";
import { Stage, sleepers } from "./stage.ts";

/** Where the first hierarchy is mounted that has a count of processes to limit. */
const pids = ownMounts().find(
  ({ fsType, superOptions }) => fsType === "cgroup" && superOptions.split(",").includes("pids"),
)?.mountpoint;
let number = 0;
const testTime = 300_000;

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

const controllersOf = (top: string) =>
  readFileSync(`${top}/cgroup.controllers`, "latin1").trim().split(" ").filter(Boolean);

async function tree(cgroups: Cgroups): Promise<Stage> {
  const script = `echo 0 >${cgroups.inner}/cgroup.procs; sleep 1000000 & wait`;
  return await Stage.set(["--uts"], script, sleepers(1));
}

describe("cgroups of a tree", () => {
  if (process.getuid?.() !== 0 || pids === undefined) {
    test.skip("are dumped and restored (they need root and the v1 hierarchy pids)", () => {});
    return;
  }

  test(
    "soft, and nothing said: what is gone is made with its properties, what is there keeps its own",
    async () => {
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
    },
    testTime,
  );

  test(
    "full and props set the properties, none and props want the cgroups to be there, strict wants them gone",
    async () => {
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
    },
    testTime,
  );

  test(
    "a restore that fails takes its cgroups away",
    async () => {
      using cgroups = new Cgroups();
      await using stage = await tree(cgroups);
      await stage.dump("--manage-cgroups");
      cgroups.remove();
      const script = stage.scratch.file("script");
      writeFileSync(script, '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-restore ]\n', { mode: 0o755 });
      expect(await refusal(stage.restore("--action-script", script))).toContain("post-restore");
      expect(existsSync(cgroups.one)).toBe(false);
      await stage.restore();
    },
    testTime,
  );

  test(
    "they go where the user says, and ignored they are left alone",
    async () => {
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
    },
    testTime,
  );

  test(
    "v2, named by one of its controllers, as LXC does",
    async () => {
      const top = ownMounts().find(({ fsType }) => fsType === "cgroup2")?.mountpoint;
      const [controller] = top === undefined ? [] : controllersOf(top);
      if (controller === undefined) {
        console.log("skipped a controller's name for v2: no v2 is mounted that has one");
        return;
      }
      const [name, other] = [1, 2].map(() => `tscriu-test-${process.pid}-${++number}`);
      const where = (pid: number) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "latin1"))?.[1];
      mkdirSync(`${top}/${name}`);
      try {
        const script = `echo 0 >${top}/${name}/cgroup.procs; sleep 1000000 & wait`;
        await using stage = await Stage.set(["--uts"], script, sleepers(1));
        await stage.dump("--manage-cgroups", "--cgroup-root", `${controller}:/${name}`);
        rmdirSync(`${top}/${name}`);
        await stage.restore("--manage-cgroups", "--cgroup-root", `${controller}:/${other}`);
        expect([...new Set(treeOf(stage.root).map(where))]).toEqual([`/${other}`]);
      } finally {
        for (const path of [`${top}/${name}`, `${top}/${other}`])
          await until("the cgroup is in use", () => {
            try {
              if (existsSync(path)) rmdirSync(path);
              return undefined;
            } catch (error) {
              return `${error}`;
            }
          });
      }
    },
    testTime,
  );

  test(
    "some controllers alone, or some properties; by way of a yard",
    async () => {
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
    },
    testTime,
  );

  test(
    "those that the user names and that are not there, or do not hold the tree",
    async () => {
      using cgroups = new Cgroups();
      await using stage = await tree(cgroups);
      const yard = stage.scratch.file("yard");
      mkdirSync(yard);
      expect(await refusal(stage.dump("--manage-cgroups", "--cgroup-yard", yard))).toContain("leave --cgroup-yard out");
      expect(await refusal(stage.dump("--manage-cgroups", "--cgroup-root", "pids:/nowhere"))).toContain(
        "what --cgroup-root names",
      );
      expect(await refusal(stage.dump("--cgroup-yard", yard))).toContain("leave --cgroup-yard out");
      const strange = ["--cgroup-root", "tscriu-nothing:/nowhere"];
      const words = "--cgroup-root names a controller that no hierarchy of cgroups here has";
      expect(await refusal(stage.dump("--manage-cgroups", ...strange))).toContain(words);
      for (const [version, mount] of freezers) {
        if (mount === undefined) continue;
        const apart = `${mount}/tscriu-apart-${process.pid}-${++number}`;
        mkdirSync(apart);
        try {
          const said = await refusal(stage.dump("--freeze-cgroup", apart));
          expect([version, said]).toEqual([version, expect.stringContaining("does not hold the tree")]);
        } finally {
          rmdirSync(apart);
        }
      }
      expect(paths(stage)).toEqual([`/${cgroups.name}/inner`]);
      // who did not ask for them is told
      await stage.dump(...strange);
      const told = `${words}: tscriu-nothing:/nowhere is left out`;
      expect(readFileSync(`${stage.images}/dump.log`, "latin1")).toContain(told);
      for (const given of [
        ["--manage-cgroups", ...strange],
        ["--cgroup-yard", yard],
      ])
        expect(await refusal(stage.restore(...given))).toContain(
          given.includes(yard) ? "leave --cgroup-yard out" : words,
        );
      await stage.restore(...strange);
      expect(readFileSync(`${stage.images}/restore.log`, "latin1")).toContain(told);
      expect(paths(stage)).toEqual([`/${cgroups.name}/inner`]);
    },
    testTime,
  );

  const mountOf = (fits: (mount: { fsType: string; superOptions: string }) => boolean) =>
    ownMounts().find(fits)?.mountpoint;
  const freezers = [
    [
      "v1",
      mountOf(({ fsType, superOptions }) => fsType === "cgroup" && superOptions.split(",").includes("freezer")),
      { file: "freezer.state", frozen: "FROZEN", running: "THAWED" },
    ],
    ["v2", mountOf(({ fsType }) => fsType === "cgroup2"), { file: "cgroup.freeze", frozen: "1", running: "0" }],
  ] as const;
  test.each(freezers)(
    "a tree in a cgroup that was frozen, %s (--freeze-cgroup)",
    async (version, mount, way) => {
      const directory = `${mount}/tscriu-test-${process.pid}-${++number}`;
      const file = `${directory}/${way.file}`;
      if (mount === undefined) {
        console.log(`skipped a frozen cgroup: there is no freezer of ${version}`);
        return;
      }
      mkdirSync(directory);
      try {
        const state = () => readFileSync(file, "latin1").trim();
        const members = () => readFileSync(`${directory}/cgroup.procs`, "latin1").trim().split("\n").map(Number).sort();
        const script = `echo $$ >${directory}/cgroup.procs; sleep 1000000 & wait`;
        await using stage = await Stage.set(["--uts"], script, sleepers(1));
        const freeze = ["--freeze-cgroup", directory];
        await stage.run("dump", "-t", `${stage.root}`, "--leave-running", ...freeze);
        expect(state()).toBe(way.running);
        writeFileSync(file, way.frozen);
        await until("it does not stop", () => (state() === way.frozen ? undefined : state()));
        expect(await refusal(stage.dump())).toContain(`pass --freeze-cgroup ${directory}`);
        await stage.run("dump", "-t", `${stage.root}`, "--leave-running", ...freeze);
        expect(state()).toBe(way.frozen);
        await stage.dump(...freeze);
        // it is there, and stands still
        await stage.restore();
        expect(state()).toBe(way.frozen);
        expect(members()).toEqual(treeOf(stage.root).sort());
        await stage.dump(...freeze);
        writeFileSync(file, way.running);
        rmdirSync(directory);
        // it is gone
        await stage.restore();
        expect(state()).toBe(way.frozen);
        expect(members()).toEqual(treeOf(stage.root).sort());
        await stage.dump(...freeze);
        // somebody else is in it by now
        writeFileSync(file, way.running);
        const other = Bun.spawn(["sleep", "1000000"]);
        try {
          writeFileSync(`${directory}/cgroup.procs`, `${other.pid}`);
          writeFileSync(file, way.frozen);
          expect(await refusal(stage.restore("--manage-cgroups"))).toContain("is frozen, and others are in it");
          expect(state()).toBe(way.frozen);
        } finally {
          writeFileSync(file, way.running);
          other.kill("SIGKILL");
          await other.exited;
        }
        await stage.restore();
        expect(state()).toBe(way.running);
      } finally {
        await until("the cgroup stays", () => {
          try {
            if (existsSync(directory)) {
              writeFileSync(file, way.running);
              rmdirSync(directory);
            }
            return undefined;
          } catch (error) {
            return `${error}`;
          }
        });
      }
    },
    testTime,
  );
});
