/** Pid namespaces that are not the tree's own: given again at the restore, or refused. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, until } from "../unharmed/lib/victim.ts";
import { nameOf, namespace, Stage, sleepers, status } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

const inode = (pid: number) => /\d+/.exec(namespace(pid, "pid"))?.[0] ?? "";
const numbers = (root: number) => treeOf(root).map((pid) => `${status(pid, "Name")} ${status(pid, "NSpid")}`);
/** A program that is started with a descriptor 9 of somebody's pid namespace. */
const given = (pid: number) => ["sh", "-c", `exec 9</proc/${pid}/ns/pid; exec "$0" "$@"`];

/** Somebody lives in a pid namespace outside of the tree; one task of the tree visits it, and has a child there. */
async function visited(): Promise<{ stage: Stage; host: number; visitor: number; child: number }> {
  const stage = await Stage.set(["--uts"], "exec 3<>/dev/null; sleep 1000000 & wait", sleepers(1));
  const argv = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "sleep 1000000 & wait"];
  const holder = await stage.keeper.run({ argv, directory: "/", output: stage.scratch.file("holder"), session: true });
  const named = (parent: number, name: string) => treeOf(parent).find((pid) => nameOf(pid) === name) ?? 0;
  const wait = async (find: () => number) => {
    for (let found = find(); ; found = find()) {
      if (found > 0) return found;
      await Bun.sleep(2);
    }
  };
  const host = await wait(() => named(holder, "sleep"));
  const script = `nsenter --pid=/proc/${host}/ns/pid setsid sh -c 'sleep 2000000 & wait'`;
  const visit = ["sh", "-c", `${script} & wait`];
  stage.root = await stage.keeper.run({
    argv: visit,
    directory: "/",
    output: stage.scratch.file("visit"),
    session: true,
  });
  await wait(() => named(stage.root, "sleep"));
  const visitor = named(stage.root, "nsenter");
  return { stage, host, visitor, child: treeOf(visitor)[1] ?? 0 };
}

describe.skipIf(!isRoot)("pid namespaces (they need root)", () => {
  test.concurrent(
    "who entered the tree's from outside ends with it, and a dump says so",
    async () => {
      await using stage = await Stage.set(["--pid"], "sleep 1000000 & wait", sleepers(1));
      const argv = ["nsenter", `--pid=/proc/${stage.root}/ns/pid`, "sleep", "3000000"];
      const guest = await stage.keeper.run({ argv, directory: "/", output: "/dev/null", session: true });
      await until("it has not entered", () => (treeOf(guest).some((pid) => nameOf(pid) === "sleep") ? undefined : ""));
      const inner = treeOf(guest).find((pid) => nameOf(pid) === "sleep");
      const warning = `not saved, and end with its init: ${inner} (sleep)\n`;
      const said = () => readFileSync(`${stage.images}/dump.log`, "latin1");
      await stage.run("dump", "-t", `${stage.root}`, "--leave-running");
      expect(said()).not.toContain("end with its init");
      await stage.dump();
      expect(said()).toContain(warning);
    },
    testTime,
  );

  test.concurrent(
    "one that stays outside is entered again by those who had entered it, twice over",
    async () => {
      const { stage, host, visitor } = await visited();
      await using _ = stage;
      const external = ["--external", `pid[${inode(host)}]:theirs`];
      const before = numbers(stage.root);
      expect(await refusal(stage.dump())).toMatch(/whose init is not part of the tree/);
      for (let round = 0; round < 2; round++) {
        await stage.dump(...external);
        expect(await refusal(stage.restore())).toContain("--inherit-fd 'fd[N]:theirs'");
        expect(await refusal(stage.restoreBelow(given(process.pid), "--inherit-fd", "fd[9]:theirs"))).toMatch(
          /does not lie where/,
        );
        await stage.restoreBelow(given(host), "--inherit-fd", "fd[9]:theirs");
        expect(numbers(stage.root)).toEqual(before);
        expect(inode(treeOf(visitor)[1] ?? 0)).toBe(inode(host));
        expect(namespace(visitor, "pid_for_children")).toBe(namespace(host, "pid"));
      }
    },
    testTime,
  );

  test.concurrent(
    "one that stays outside gets the whole tree again, whose root is no init, twice over",
    async () => {
      const { stage, host, child } = await visited();
      await using _ = stage;
      stage.root = child;
      const external = ["--external", `pid[${inode(host)}]:theirs`];
      const inner = () => treeOf(stage.root).map((pid) => status(pid, "NSpid").split(/\s+/).at(-1));
      const before = inner();
      expect(await refusal(stage.dump())).toMatch(/whose init is not its root/);
      for (let round = 0; round < 2; round++) {
        await stage.dump(...external);
        expect(await refusal(stage.restore())).toContain("--inherit-fd 'fd[N]:theirs'");
        await stage.restoreBelow(given(host), "--inherit-fd", "fd[9]:theirs");
        expect(inner()).toEqual(before);
        for (const pid of treeOf(stage.root)) expect(inode(pid)).toBe(inode(host));
      }
    },
    testTime,
  );
});
