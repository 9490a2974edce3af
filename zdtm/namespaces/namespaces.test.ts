/** Trees that live in namespaces of their own, seen from outside before the dump and after the restore. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, until } from "../unharmed/lib/victim.ts";
import { namespace, Stage, sleepers, status, view } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

/** Of each clock, seconds that a time namespace is ahead of the machine. */
function offsets(pid: number): Map<string, number> {
  const text = readFileSync(`/proc/${pid}/timens_offsets`, "latin1");
  const lines = [...text.matchAll(/^(\w+)\s+(-?\d+)\s+(\d+)$/gm)];
  return new Map(
    lines.map(([, name = "", seconds, nanoseconds]) => [name, Number(seconds) + Number(nanoseconds) / 1e9]),
  );
}

describe("namespaces", () => {
  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }

  test.concurrent(
    "pid: a tree with its init, sessions and all, keeps its numbers, twice over",
    async () => {
      const script = "sleep 1000000 & setsid sleep 1000000 & sleep 1000000 & trap '' USR1; wait";
      await using stage = await Stage.set(["--pid"], script, sleepers(3));
      const before = view(stage.root);
      expect(before[0]).toStartWith("1 1 1 ");
      for (let round = 0; round < 2; round++) {
        const outside = treeOf(stage.root);
        await stage.dump();
        await stage.restore();
        expect(view(stage.root)).toEqual(before);
        expect(namespace(stage.root, "pid")).not.toBe(namespace(process.pid, "pid"));
        // an init of the tree's own: it waits for its children as before
        for (const pid of treeOf(stage.root)) expect(namespace(pid, "pid")).toBe(namespace(stage.root, "pid"));
        expect(outside.length).toBe(4);
      }
      const [child = 0] = treeOf(stage.root).slice(1);
      process.kill(child, "SIGKILL");
      await until("the init does not wait for its child", () =>
        existsSync(`/proc/${child}`) ? status(child, "State") : undefined,
      );
    },
    testTime,
  );

  test.concurrent(
    "uts: host and domain name",
    async () => {
      const script =
        "echo inside >/proc/sys/kernel/hostname; echo home >/proc/sys/kernel/domainname; sleep 1000000 & wait";
      await using stage = await Stage.set(["--uts"], script, sleepers(1));
      const names = (pid: number) => {
        const enter = ["nsenter", `--uts=/proc/${pid}/ns/uts`, "cat"];
        const files = ["/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"];
        return Bun.spawnSync([...enter, ...files]).stdout.toString();
      };
      expect(names(stage.root)).toBe("inside\nhome\n");
      await stage.dump();
      await stage.restore();
      expect(namespace(stage.root, "uts")).not.toBe(namespace(process.pid, "uts"));
      expect(names(stage.root)).toBe("inside\nhome\n");
    },
    testTime,
  );

  test.concurrent(
    "time: the clocks of a time namespace go on from where they were, twice over",
    async () => {
      const options = ["--time", "--monotonic", "5000", "--boottime", "700000"];
      await using stage = await Stage.set(options, "sleep 1000000 & wait", sleepers(1));
      for (let round = 0; round < 2; round++) {
        const [began, before] = [performance.now(), offsets(stage.root)];
        await stage.dump();
        await stage.restore();
        const [after, passed] = [offsets(stage.root), (performance.now() - began) / 1000];
        // what passed meanwhile did not pass for them
        for (const name of ["monotonic", "boottime"]) {
          expect(after.get(name)).toBeLessThan(before.get(name) ?? 0);
          expect(after.get(name)).toBeGreaterThan((before.get(name) ?? 0) - passed - 1);
        }
        for (const pid of treeOf(stage.root)) expect(namespace(pid, "time")).toBe(namespace(stage.root, "time"));
      }
      expect(namespace(stage.root, "time")).not.toBe(namespace(process.pid, "time"));
    },
    testTime,
  );

  test.concurrent(
    "time: where the clocks are ahead of this machine's they go on; else the tree stays with the machine's",
    async () => {
      await using stage = await Stage.set(["--uts"], "sleep 1000000 & wait", sleepers(1));
      await stage.dump();
      await stage.restore();
      expect(namespace(stage.root, "time")).toBe(namespace(process.pid, "time"));
      await stage.dump();
      const image = `${stage.images}/timens-0.img`;
      const set = JSON.parse(await stage.crit("decode", "-i", image));
      const uptime = set.entries[0].monotonic.tv_sec;
      set.entries[0].monotonic.tv_sec = uptime + 9000;
      writeFileSync(`${image}.json`, JSON.stringify(set));
      await stage.crit("encode", "-i", `${image}.json`, "-o", image);
      await stage.restore();
      expect(namespace(stage.root, "time")).not.toBe(namespace(process.pid, "time"));
      expect(Math.round((offsets(stage.root).get("monotonic") ?? 0) / 1000)).toBe(9);
    },
    testTime,
  );

  test.concurrent(
    "a tree whose root is no init of its pid namespace is refused, and runs on",
    async () => {
      await using stage = await Stage.set(["--pid"], "sleep 1000000 & wait", sleepers(1));
      const [child = 0] = treeOf(stage.root).slice(1);
      expect(await refusal(stage.run("dump", "-t", String(child), "--shell-job"))).toMatch(
        /whose init is not its root/,
      );
      await until("it is gone", () => (existsSync(`/proc/${child}/exe`) ? undefined : "gone"));
    },
    testTime,
  );
});
