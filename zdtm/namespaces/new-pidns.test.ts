/** `restore --new-pidns`: any set in a pid namespace that is made around it, as often as one likes, whoever has its pids. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { allCases } from "../lib/cases.ts";
import { runCase } from "../lib/harness.ts";
import { treeOf } from "../lib/snapshot.ts";
import { until } from "../unharmed/lib/victim.ts";
import { namespace, Stage, sleepers, status, view } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;
const SIDE_BY_SIDE = 10;

const parentOf = (pid: number) => Number(status(pid, "PPid"));
const lives = (pid: number) => existsSync(`/proc/${pid}/exe`);
const gone = (pids: readonly number[]) =>
  until("somebody is left", () => {
    const left = pids.filter((pid) => existsSync(`/proc/${pid}`) && !status(pid, "State").startsWith("Z"));
    return left.length > 0 ? left.join(" ") : undefined;
  });
/** Names in a /proc as a task sees it. */
const shown = (pid: number) =>
  readdirSync(`/proc/${pid}/root/proc`)
    .filter((name) => /^\d+$/.test(name))
    .sort();
const mounts = () => readFileSync("/proc/self/mountinfo", "latin1").replace(/^\d+ \d+ /gm, "");

/** A restore of the stage's images beside others: with a directory, a log and a pid file of its own. */
async function start(stage: Stage, name: string, ...words: string[]) {
  const place = stage.scratch.file(name);
  mkdirSync(place);
  const own = ["restore", "--new-pidns", "-D", stage.images, "-W", place, "-o", "log", "-v4", "--pidfile", "pid"];
  const argv = [...(await binary()), ...own, ...words];
  const tscriu = await stage.keeper.run({ argv, directory: "/", output: `${place}/out` });
  const ended = stage.keeper.ended(tscriu);
  let end: number | undefined;
  void ended.then((value) => {
    end = value;
  });
  const root = async () => {
    await until("the tree is not there", () => {
      if (existsSync(`${place}/pid`) && readFileSync(`${place}/pid`, "latin1") !== "") return undefined;
      if (end === undefined) return "it is restored";
      throw new Error(`restore ends with ${end}: ${readFileSync(`${place}/log`, "latin1").slice(-2000)}`);
    });
    const root = Number(readFileSync(`${place}/pid`, "latin1"));
    // it has its pid before it runs
    await until("the tree is not let go", () => {
      const held = [parentOf(root), ...treeOf(root)].filter((pid) => status(pid, "TracerPid") !== "0");
      return held.length > 0 ? held.join(" ") : undefined;
    });
    return root;
  };
  return { tscriu, ended, root, place };
}

describe.skipIf(!isRoot)("a new pid namespace around a tree (needs root)", () => {
  test.concurrent(
    "ten side by side, beside the one that has the pids; each ends by itself",
    async () => {
      const script = "sleep 1000000 & setsid sleep 1000000 & wait";
      await using stage = await Stage.set([], script, sleepers(2));
      const before = view(stage.root);
      await stage.dump();
      await stage.restore();
      const ours = mounts();
      const started = await Promise.all(
        Array.from({ length: SIDE_BY_SIDE }, (_, i) => start(stage, `restore-${i}`, "-d")),
      );
      expect(await Promise.all(started.map(({ ended }) => ended))).toEqual(started.map(() => 0));
      const roots = await Promise.all(started.map(({ root }) => root()));
      for (const root of roots) {
        expect(view(root)).toEqual(before);
        const numbers = treeOf(root).map((pid) => status(pid, "NSpid").split(/\s+/)[1] ?? "");
        expect(shown(root)).toEqual(["1", ...numbers].sort());
        expect(status(parentOf(root), "Name")).toBe("tscriu-init");
        expect(readdirSync(`/proc/${parentOf(root)}/fd`)).toEqual([]);
        expect(namespace(root, "net")).toBe(namespace(process.pid, "net"));
      }
      expect(new Set(roots.map((root) => namespace(root, "pid"))).size).toBe(SIDE_BY_SIDE);
      expect(mounts()).toBe(ours);
      const [first = 0, ...others] = roots;
      const tree = treeOf(first);
      process.kill(parentOf(first), "SIGKILL");
      await gone(tree);
      for (const pid of [stage.root, ...others]) expect([pid, treeOf(pid).length]).toEqual([pid, 3]);
    },
    testTime,
  );

  test.concurrent(
    "in the foreground it gives the root's exit status; signals to the init reach the root, orphans are reaped",
    async () => {
      const script = "trap 'exit 7' USR1; (sleep 1000000 &); sleep 1000000 & while :; do wait; done";
      await using stage = await Stage.set([], script, sleepers(1));
      const orphan = () => treeOf(init).find((pid) => parentOf(pid) === init && pid !== root) ?? 0;
      await stage.dump();
      let one = await start(stage, "told");
      let root = await one.root();
      let init = parentOf(root);
      expect(parentOf(init)).toBe(one.tscriu);
      expect(orphan()).toBe(0);
      process.kill(init, "SIGUSR1");
      // it ends when nobody is left
      await gone([root]);
      await until("the child is not adopted", () => (orphan() > 0 ? undefined : "no orphan"));
      const left = orphan();
      process.kill(left, "SIGKILL");
      await gone([left]);
      expect(await one.ended).toBe(7 << 8);
      one = await start(stage, "killed");
      root = await one.root();
      init = parentOf(root);
      for (const pid of treeOf(root).reverse()) process.kill(pid, "SIGKILL");
      expect(await one.ended).toBe((128 + 9) << 8);
    },
    testTime,
  );

  test.concurrent(
    "stopped, or with another program in tscriu's place, or as a child of who called it",
    async () => {
      await using stage = await Stage.set([], "sleep 1000000 & wait", sleepers(1));
      await stage.dump();
      const stopped = await (await start(stage, "stopped", "-d", "--leave-stopped")).root();
      await until("it does not stop", () => (status(stopped, "State").startsWith("T") ? undefined : "it runs"));
      for (const pid of treeOf(stopped)) expect(status(pid, "State")).toStartWith("T");
      for (const pid of treeOf(stopped)) process.kill(pid, "SIGCONT");
      const program = await start(stage, "program", "--exec-cmd", "--", "sh", "-c", "read _ <&- ; exec sleep 1000000");
      const below = await program.root();
      await until("it is no program", () => (status(program.tscriu, "Name") === "sleep" ? undefined : "tscriu"));
      expect(parentOf(parentOf(below))).toBe(program.tscriu);
      const sibling = await start(stage, "sibling", "-d", "--restore-sibling");
      expect(parentOf(parentOf(await sibling.root()))).toBe(parentOf(parentOf(parentOf(below))));
    },
    testTime,
  );

  test.concurrent(
    "trees with namespaces of their own: their /proc shows the new one, an init of their own needs none",
    async () => {
      await using stage = await Stage.set(["--mount", "--uts", "--net", "--ipc"], "sleep 1000000 & wait", sleepers(1));
      const before = view(stage.root);
      await stage.dump();
      const root = await (await start(stage, "apart", "-d")).root();
      expect(view(root)).toEqual(before);
      expect(shown(root).length).toBe(3);
      for (const name of ["mnt", "uts", "net", "ipc"])
        expect([name, namespace(root, name)]).not.toEqual([name, namespace(process.pid, name)]);
      await using other = await Stage.set(["--pid", "--mount-proc"], "sleep 1000000 & wait", sleepers(1));
      await other.dump();
      const init = await (await start(other, "init", "-d")).root();
      expect(status(init, "NSpid").split(/\s+/)[1]).toBe("1");
      expect(shown(init).length).toBe(2);
    },
    testTime,
  );

  test.concurrent(
    "it can be dumped with its init, and comes back as a tree with a pid namespace of its own",
    async () => {
      await using stage = await Stage.set([], "sleep 1000000 & wait", sleepers(1));
      const before = view(stage.root);
      await stage.dump();
      const root = await (await start(stage, "once", "-d")).root();
      const images = stage.scratch.file("again");
      mkdirSync(images);
      const masters = "--enable-external-masters";
      stage.root = parentOf(root);
      Object.assign(stage, { images });
      await stage.dump(masters);
      await stage.restore(masters);
      expect(status(stage.root, "Name")).toBe("tscriu-init");
      const [, again = 0] = treeOf(stage.root);
      expect(view(again)).toEqual(before);
      expect(shown(again).length).toBe(3);
      // the root first: it waits for the others, and would end with them
      for (const pid of treeOf(again)) process.kill(pid, "SIGKILL");
      await gone([stage.root]);
    },
    testTime,
  );

  test.concurrent(
    "a restore that is killed on the way leaves nothing",
    async () => {
      await using stage = await Stage.set([], "sleep 1000000 & wait", sleepers(1));
      await stage.dump();
      for (const hook of ["setup-namespaces", "post-setup-namespaces", "post-restore", "pre-resume"]) {
        const script = stage.scratch.file("script");
        const note = stage.scratch.file(`tree-${hook}`);
        writeFileSync(
          script,
          `#!/bin/sh
          [ "$CRTOOLS_SCRIPT_ACTION" = ${hook} ] || exit 0
          ps -o pid= --ppid $PPID >${note}
          kill -9 $PPID\n`,
        );
        chmodSync(script, 0o755);
        const { ended } = await start(stage, `killed-${hook}`, "-d", "--action-script", script);
        expect([hook, await ended]).toEqual([hook, 9]);
        const made = readFileSync(note, "latin1").split(/\s+/).map(Number).filter(Boolean);
        expect(made.length).toBeGreaterThan(1);
        await gone(made.flatMap((pid) => (lives(pid) ? treeOf(pid) : [])));
      }
    },
    testTime,
  );

  for (const name of ["mnt_ro_root", "mnt_ext_root", "thread_mounts"])
    test.concurrent(
      `a tree with mounts of its own, from outside and from inside: ${name}`,
      async () => {
        const it = allCases().find((one) => one.name === name);
        if (!it) throw new Error(`there is no case ${name}`);
        const outcome = await runCase(it, { mode: "fresh", flavour: "h", iterations: 1 });
        if (outcome.result === "skip") console.log(`skipped ${name}: ${outcome.reason}`);
        expect(outcome.result === "fail" ? outcome.reason : "").toBe("");
      },
      testTime,
    );
});
