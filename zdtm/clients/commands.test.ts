/** Programs that drive `criu` by its command line, word for word as they do. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownMounts } from "../../src/kernel/mount.ts";
import { binary } from "../lib/binary.ts";
import { describeStatus, Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { Stage, sleepers, status } from "../namespaces/stage.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";

const testTime = 300_000;
/** Of SigCgt in /proc/PID/status. */
const SIGTERM_BIT = 1n << 14n;

describe("command lines", () => {
  if (process.getuid?.() !== 0) {
    test.skip("of a Java runtime and of LXC (they need root)", () => {});
    return;
  }

  test(
    "a Java runtime: the command becomes the parent of what it restored, and the script wakes that",
    async () => {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const engine = scratch.file("engine");
      const words = ["cc", "-Wall", "-Wextra", "-Werror", "-o", engine, join(import.meta.dir, "lib/engine.c")];
      const cc = Bun.spawnSync(words, { stderr: "pipe" });
      expect(cc.stderr.toString()).toBe("");
      const [out, images, opened] = ["out", "images", "opened"].map((name) => scratch.file(name));
      if (out === undefined || images === undefined || opened === undefined) return;
      mkdirSync(images);
      const text = (path: string) => (existsSync(path) ? readFileSync(path, "latin1") : "");
      const read = () => text(out);
      const script = `trap 'echo woken' USR2; trap 'exit 7' TERM; exec 3<${opened}; echo up; while :; do sleep 0.01; done`;
      writeFileSync(opened, "");
      const pid = await keeper.run({ argv: ["sh", "-c", script], directory: "/", output: out, session: true });
      await until("it is not up", () => (read().includes("up") ? undefined : read()));
      const dump = ["dump", "-t", `${pid}`, "-D", images, "--shell-job", "-v4", "-o", "dump4.log"];
      const dumping = await keeper.run({
        argv: [...(await binary()), ...dump],
        directory: "/",
        output: `${images}/said`,
      });
      expect(describeStatus(await keeper.ended(dumping))).toBe("exit 0");
      await keeper.ended(pid);
      const back = ["restore", "-W", ".", "--shell-job", "--action-script", engine, "-D", images, "-v1"];
      const restoring = await keeper.run({
        argv: [...(await binary()), ...back, "--exec-cmd", "--", engine, "restorewait"],
        directory: scratch.path,
        output: scratch.file("said"),
      });
      await until("it is not woken", () =>
        read().includes("woken") ? undefined : `${read()}${text(scratch.file("said"))}`,
      );
      expect(status(pid, "PPid")).toBe(`${restoring}`);
      await until("the command has not become the engine, which takes signals", () =>
        status(restoring, "Name") === "engine" && BigInt(`0x${status(restoring, "SigCgt")}`) & SIGTERM_BIT
          ? undefined
          : status(restoring, "Name"),
      );
      await until("it is not ready to pass signals on", () => {
        if (!existsSync(`/proc/${pid}/exe`)) return undefined;
        if (existsSync(`/proc/${restoring}/exe`)) process.kill(restoring, "SIGTERM");
        return "it lives";
      });
      expect(describeStatus(await keeper.ended(restoring))).toBe("exit 7");
    },
    testTime,
  );

  test(
    "LXC: a container that is left running, with its freezer cgroup",
    async () => {
      const mounts = ownMounts();
      const freezer = mounts.find(
        ({ fsType, superOptions }) => fsType === "cgroup" && superOptions.split(",").includes("freezer"),
      );
      const place = freezer ?? mounts.find(({ fsType }) => fsType === "cgroup2");
      if (place === undefined) {
        console.log("skipped the command line of LXC: no hierarchy of cgroups is mounted that can freeze");
        return;
      }
      const cgroup = `${place.mountpoint}/tscriu-test-${process.pid}`;
      mkdirSync(cgroup);
      try {
        // LXC makes all mounts of a container share, with nobody outside
        const script = `mount --make-rshared /; echo 0 >${cgroup}/cgroup.procs; sleep 1000000 & sleep 1000000 & wait`;
        const apart = ["--uts", "--ipc", "--net", "--pid", "--mount", "--mount-proc"];
        await using stage = await Stage.set(apart, script, sleepers(2));
        const both = ["--tcp-established", "--file-locks", "--link-remap", "--manage-cgroups"];
        const mapped = ["--ext-mount-map", "auto", "--enable-external-sharing", "--enable-external-masters"];
        const systems = ["--enable-fs", "hugetlbfs", "--enable-fs", "tracefs"];
        const rest = ["-vvvvvv", "--freeze-cgroup", cgroup, "--force-irmap"];
        const before = treeOf(stage.root);
        await stage.run("dump", ...both, ...mapped, ...systems, "-t", `${stage.root}`, ...rest, "--leave-running");
        expect(treeOf(stage.root)).toEqual(before);
        const shares = () => readFileSync(`/proc/${stage.root}/mountinfo`, "latin1");
        for (const isFromCriu of [false, true]) {
          await stage.dump(...both, ...mapped, ...systems, ...rest);
          const image = readdirSync(stage.images).find((one) => one.startsWith("mountpoints-"));
          const paths = ["-i", `${stage.images}/${image}`, "-o", stage.scratch.file("mounts")];
          await stage.crit("decode", ...paths);
          const decoded = JSON.parse(readFileSync(stage.scratch.file("mounts"), "utf8"));
          const top = decoded.entries.find(({ mountpoint }: { mountpoint: string }) => mountpoint === "/");
          // the group is the container's own
          expect(top.internal_sharing).toBe(true);
          if (isFromCriu) {
            delete top.internal_sharing;
            writeFileSync(stage.scratch.file("mounts"), JSON.stringify(decoded));
            await stage.crit("encode", "-i", stage.scratch.file("mounts"), "-o", `${stage.images}/${image}`);
          }
          // of a container without network devices it says what it had said before
          await stage.restore(...both, ...mapped, ...systems, "-vvvvvv", "--external", "console:");
          const told = "--external console: names no resource";
          expect(readFileSync(`${stage.images}/restore.log`, "latin1")).toContain(told);
          expect(shares()).toMatch(/ \/ \/ \S+ shared:/);
        }
        expect(treeOf(stage.root).length).toBe(3);
        expect(readFileSync(`${cgroup}/cgroup.procs`, "latin1").trim().split("\n").length).toBe(3);
        await stage[Symbol.asyncDispose]();
      } finally {
        await until("the cgroup is in use", () => {
          try {
            rmdirSync(cgroup);
            return undefined;
          } catch (error) {
            return String(error);
          }
        });
      }
    },
    testTime,
  );
});
