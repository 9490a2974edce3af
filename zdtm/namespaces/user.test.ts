/** Trees in user namespaces of their own, seen from outside before the dump and after the restore. */
import { describe, expect, test } from "bun:test";
import { chownSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { decodeImage, encodeImage } from "../../src/image/framing.ts";
import { closeFd, O, openPath } from "../../src/kernel/fd.ts";
import { NR } from "../../src/kernel/nr.ts";
import { statFd } from "../../src/kernel/stat.ts";
import { addressOf, check, sys } from "../../src/kernel/sys.ts";
import { NS } from "../../src/kernel/uapi/ioctl.ts";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, Scratch, until } from "../unharmed/lib/victim.ts";
import { nameOf, namespace, Stage, sleepers, view } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

/** A line of /proc/PID/status, which may be empty. */
const line = (pid: number, name: string) =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(text(pid, "status"))?.[1] ?? "?";
const text = (pid: number, name: string) =>
  readFileSync(`/proc/${pid}/${name}`, "latin1")
    .trim()
    .replace(/[ \t]+/g, " ");

/** Who the tasks are, as we see it, and what their namespace maps. */
function identity(root: number): string[] {
  const of = (pid: number) =>
    ["Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((one) => `${one} ${line(pid, one)}`);
  const maps = ["uid_map", "gid_map", "projid_map", "setgroups"].map((name) => `${name} ${text(root, name)}`);
  return [...maps, ...treeOf(root).map((pid) => of(pid).join("; "))];
}

/** In our own pid namespace others may get a number of the tree's meanwhile. */
async function restoreOrTaken(stage: Stage): Promise<string | undefined> {
  try {
    await stage.restore();
    return undefined;
  } catch (error) {
    const [taken] = /the pid (is taken by another process|goes to other processes)[^\n]*/.exec(String(error)) ?? [];
    if (taken === undefined) throw error;
    return taken;
  }
}

/** The user namespace that a namespace belongs to, as one who looks from outside sees it. */
function owner(pid: number, name: string): string {
  const link = openPath(`/proc/${pid}/ns/${name}`, O.RDONLY);
  const user = check(sys(NR.ioctl, link, NS.GET_USERNS), "cannot see the owner of a namespace", { pid, name });
  const { ino } = statFd(user);
  for (const fd of [link, user]) closeFd(fd);
  return `user:[${ino}]`;
}

/** Who made the user namespace of a task. */
function maker(pid: number): string {
  const link = openPath(`/proc/${pid}/ns/user`, O.RDONLY);
  const uid = new Uint32Array(1);
  check(sys(NR.ioctl, link, NS.GET_OWNER_UID, addressOf(uid)), "cannot see who made a namespace", { pid });
  closeFd(link);
  return `${uid[0]}`;
}

describe("user namespaces", () => {
  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }

  for (const [what, options] of [
    ["with nothing else", ["--user", "--map-root-user"]],
    ["with processes and mounts", ["--user", "--map-root-user", "--pid", "--mount-proc"]],
    ["with everything", ["--user", "--map-root-user", "--pid", "--mount-proc", "--net", "--ipc", "--uts", "--time"]],
    ["without a root", ["--user", "--map-user=1000", "--map-group=1000", "--pid", "--mount-proc"]],
    ["without ids", ["--user", "--pid", "--net"]],
  ] as const) {
    test.concurrent(
      `${what}: ids, capabilities and owners of all other namespaces, twice over`,
      async () => {
        await using stage = await Stage.set([...options], "sleep 1000000 & sleep 1000000 & wait", sleepers(2));
        const before = identity(stage.root);
        const numbers = view(stage.root);
        for (let round = 0; round < 2; round++) {
          await stage.dump();
          const taken = await restoreOrTaken(stage);
          if (taken !== undefined) {
            console.log(
              `skipped ${what}, twice over: in round ${round + 1} somebody else had a number by now: ${taken}`,
            );
            return;
          }
          expect(identity(stage.root)).toEqual(before);
          expect(view(stage.root)).toEqual(numbers);
          const own = namespace(stage.root, "user");
          expect(own).not.toBe(namespace(process.pid, "user"));
          for (const pid of treeOf(stage.root)) expect(namespace(pid, "user")).toBe(own);
          for (const name of ["pid", "mnt", "net", "ipc", "uts", "time"])
            if (namespace(stage.root, name) !== namespace(process.pid, name)) expect(owner(stage.root, name)).toBe(own);
        }
      },
      testTime,
    );
  }

  test.concurrent(
    "a container without root inside of one, where nobody may change groups",
    async () => {
      const inner = "unshare --user --map-root-user --pid --fork --mount-proc sleep 1000000";
      const isThere = (root: number) => treeOf(root).length === 3 && treeOf(root).map(nameOf).at(-1) === "sleep";
      const options = ["--user", "--map-root-user", "--pid", "--mount-proc"];
      await using stage = await Stage.set(options, `${inner} & wait`, isThere);
      const before = identity(stage.root);
      for (let round = 0; round < 2; round++) {
        await stage.dump();
        await stage.restore();
        expect(identity(stage.root)).toEqual(before);
      }
    },
    testTime,
  );

  test.concurrent(
    "restored with a pid namespace around it",
    async () => {
      await using stage = await Stage.set(
        ["--user", "--map-root-user"],
        "sleep 1000000 & sleep 1000000 & wait",
        sleepers(2),
      );
      const before = identity(stage.root);
      await stage.dump();
      await stage.restore("--new-pidns");
      expect(identity(stage.root)).toEqual(before);
      expect(namespace(stage.root, "pid")).not.toBe(namespace(process.pid, "pid"));
    },
    testTime,
  );

  test.concurrent(
    "a time namespace of children that belongs to an inner user namespace is refused, and runs on",
    async () => {
      const script = "unshare --user --map-root-user --time --fork sleep 1000000 & wait";
      await using stage = await Stage.set(["--pid"], script, (root) => treeOf(root).length === 3);
      await until("no sleeper", () =>
        line(treeOf(stage.root).at(-1) ?? 0, "Name") === "sleep" ? undefined : "not yet",
      );
      expect(await refusal(stage.dump())).toMatch(/belongs to another user namespace/);
      expect(treeOf(stage.root).length).toBe(3);
    },
    testTime,
  );

  test.concurrent(
    "the sandbox of a user who is not root, as browsers have them: a pid namespace of its own, mounts and a /proc that shows it",
    async () => {
      const rootless = "setpriv --reuid 12345 --regid 12345 --clear-groups unshare --user --map-root-user";
      const script = `${rootless} --pid --mount-proc --net --fork sh -c 'sleep 1000000 & wait' & wait`;
      const names = (root: number) => treeOf(root).map((pid) => line(pid, "Name"));
      await using stage = await Stage.set(["--pid"], script, (root) => names(root).join() === "sh,unshare,sh,sleep");
      const look = () => {
        const [, , init = 0, last = 0] = treeOf(stage.root);
        const seen = Bun.spawnSync([
          "nsenter",
          "-t",
          `${init}`,
          "-U",
          "-m",
          "-p",
          "-S",
          "0",
          "sh",
          "-c",
          "cat /proc/1/status | grep NSpid; cat /proc/self/uid_map; id -u; mount -t tmpfs none /mnt && echo mounted",
        ]);
        return [
          identity(stage.root),
          maker(init),
          line(last, "NSpid").split(/\s/).slice(1),
          `${seen.stdout}${seen.stderr}`,
        ];
      };
      const before = look();
      expect(before.at(-1)).toContain("mounted");
      for (let round = 0; round < 2; round++) {
        await stage.dump();
        await stage.restore();
        expect(look()).toEqual(before);
        // nobody of ours is left behind in a user namespace
        expect(Bun.spawnSync(["pgrep", "-f", stage.images]).stdout.toString()).toBe("");
      }
    },
    testTime,
  );

  test.concurrent(
    "of a user who is not root: it is theirs again, as a tree of its own and as a part of one",
    async () => {
      const rootless = "setpriv --reuid 12345 --regid 12345 --clear-groups unshare --user --map-root-user";
      const script = `${rootless} --pid --mount-proc --fork setsid sh -c 'sleep 1000000 & wait' & ${rootless} sleep 1000000 & wait`;
      const all = (root: number) =>
        treeOf(root).filter((pid) => ["sh", "sleep"].includes(line(pid, "Name"))).length === 4;
      await using stage = await Stage.set(["--pid"], script, all);
      const makers = (root: number) =>
        treeOf(root).map((pid) => (namespace(pid, "user") === namespace(process.pid, "user") ? "ours" : maker(pid)));
      const inner = treeOf(stage.root).find(
        (pid) => line(pid, "NSpid").split(/\s/).at(-1) === "1" && pid !== stage.root,
      );
      const outer = stage.root;
      stage.root = inner ?? 0;
      const before = [identity(stage.root), makers(stage.root)];
      expect(before[1]).toEqual(["12345", "12345"]);
      await stage.dump();
      await stage.restore();
      expect([identity(stage.root), makers(stage.root)]).toEqual(before);
      process.kill(stage.root, "SIGKILL");
      stage.root = outer;
      await until("there are others", () => (treeOf(outer).length === 2 ? undefined : `${treeOf(outer)}`));
      const part = [identity(outer), makers(outer)];
      expect(part[1]).toEqual(["ours", "12345"]);
      await stage.dump();
      await stage.restore();
      expect([identity(stage.root), makers(stage.root)]).toEqual(part);
    },
    testTime,
  );

  test(
    "images that say nonsense of a user namespace are refused, and leave nothing",
    async () => {
      await using stage = await Stage.set(["--user", "--map-root-user", "--pid"], "sleep 1000000 & wait", sleepers(1));
      const before = identity(stage.root);
      await stage.dump();
      const [name = ""] = readdirSync(stage.images).filter((one) => one.startsWith("userns-"));
      const path = `${stage.images}/${name}`;
      const good = readFileSync(path);
      const [entry] = decodeImage(good, path).entries;
      const id = Number(/\d+/.exec(name)?.[0]);
      const map = (first: number, lower_first: number, count: number) => ({ first, lower_first, count });
      for (const nonsense of [
        { uid_map: [map(0, 0, 0)] },
        { uid_map: [map(0, 0, 10), map(5, 100, 10)] },
        { uid_map: [map(0, 0xffff_fff0, 0xffff)] },
        { uid_map: Array.from({ length: 400 }, (_, i) => map(i, i, 1)) },
        { gid_map: [map(0xffff_ffff, 0, 2)] },
        { tscriu_parent: id },
        { tscriu_parent: 999 },
      ]) {
        writeFileSync(path, encodeImage("USERNS", [{ ...entry, ...nonsense }]));
        const said = await refusal(stage.restore());
        expect(said).toContain("Error (");
        expect(said).not.toMatch(/TypeError|RangeError|undefined/);
      }
      writeFileSync(path, good);
      await stage.restore();
      expect(identity(stage.root)).toEqual(before);
    },
    testTime,
  );

  test.concurrent(
    "a deleted file of somebody whom the namespace does not know is root's afterwards, which the dump tells",
    async () => {
      using scratch = new Scratch();
      const file = scratch.file("strange");
      writeFileSync(file, "of a stranger");
      chownSync(file, 54_321, 54_321);
      const script = `exec 3<${file}; rm ${file}; sleep 1000000 & wait`;
      await using stage = await Stage.set(["--user", "--map-root-user", "--pid"], script, sleepers(1));
      await stage.dump();
      expect(readFileSync(`${stage.images}/dump.log`, "latin1")).toMatch(/does not know them.*user 54321, group 54321/);
      await stage.restore();
      const { uid, gid } = statSync(`/proc/${stage.root}/fd/3`);
      expect([uid, gid, readFileSync(`/proc/${stage.root}/fd/3`, "latin1")]).toEqual([0, 0, "of a stranger"]);
    },
    testTime,
  );
});
