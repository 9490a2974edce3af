/** `restore --join-ns`: the tree comes back in namespaces that somebody else has made. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, until } from "../unharmed/lib/victim.ts";
import { nameOf, namespace, Stage, sleepers, status, view } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;
const KINDS = ["net", "uts", "ipc", "time", "mnt"] as const;

/** Somebody who has namespaces of his own, with a host name and a mount that tell them. */
async function hostOf(stage: Stage): Promise<number> {
  const script =
    "echo joined >/proc/sys/kernel/hostname; mount -t tmpfs -o mode=755 mark /mnt; : >/mnt/mark; sleep 1000000 & wait";
  const argv = ["unshare", "--net", "--uts", "--ipc", "--time", "--mount", "--fork", "sh", "-c", script];
  const output = stage.scratch.file("host");
  const outer = await stage.keeper.run({ argv, directory: "/", output, session: true });
  let found = 0;
  await until("the host is not there", () => {
    found = treeOf(outer).find((pid) => nameOf(pid) === "sleep") ?? 0;
    return found > 0 ? undefined : existsSync(output) ? readFileSync(output, "latin1") : "nothing";
  });
  return found;
}

const namespaces = (pid: number) => KINDS.map((name) => namespace(pid, name));
const hostName = (pid: number) =>
  Bun.spawnSync(["nsenter", `--uts=/proc/${pid}/ns/uts`, "cat", "/proc/sys/kernel/hostname"])
    .stdout.toString()
    .trim();

describe.skipIf(!isRoot)("namespaces that are joined (they need root)", () => {
  test.concurrent(
    "each kind by itself, and all together in a new pid namespace",
    async () => {
      await using stage = await Stage.set([], "cd /mnt; sleep 1000000 & wait", sleepers(1));
      const host = await hostOf(stage);
      const before = view(stage.root);
      for (const [i, name] of KINDS.entries()) {
        await stage.dump();
        // by pid and by file
        await stage.restore("--join-ns", `${name}:${i % 2 === 0 ? host : `/proc/${host}/ns/${name}`}`);
        expect(view(stage.root)).toEqual(before);
        const expected = namespaces(process.pid);
        expected[i] = namespace(host, name);
        for (const pid of treeOf(stage.root)) expect(namespaces(pid)).toEqual(expected);
        if (name === "mnt") expect(existsSync(`/proc/${stage.root}/cwd/mark`)).toBeTrue();
        // a tree that joined is another one's guest: the next round is for who lives at home again
        for (const pid of treeOf(stage.root)) process.kill(pid, "SIGKILL");
        await stage.restore();
        expect(namespaces(stage.root)).toEqual(namespaces(process.pid));
      }
      await stage.dump();
      await stage.restore("--new-pidns", ...KINDS.flatMap((name) => ["--join-ns", `${name}:${host}`]));
      for (const pid of treeOf(stage.root)) expect(namespaces(pid)).toEqual(namespaces(host));
      expect(namespace(stage.root, "pid")).not.toBe(namespace(process.pid, "pid"));
    },
    testTime,
  );

  test.concurrent(
    "in place of what the tree had, which is not made again",
    async () => {
      const script = "echo own >/proc/sys/kernel/hostname; sleep 1000000 & wait";
      await using stage = await Stage.set(["--uts", "--net", "--ipc"], script, sleepers(1));
      const host = await hostOf(stage);
      expect(hostName(stage.root)).toBe("own");
      await stage.dump();
      await stage.restore("--join-ns", `uts:${host}`, "--join-ns", `net:${host}`);
      for (const pid of treeOf(stage.root)) {
        expect(hostName(pid)).toBe("joined");
        expect(namespace(pid, "uts")).toBe(namespace(host, "uts"));
        expect(namespace(pid, "net")).toBe(namespace(host, "net"));
        expect(namespace(pid, "ipc")).not.toBe(namespace(host, "ipc"));
        expect(namespace(pid, "ipc")).not.toBe(namespace(process.pid, "ipc"));
      }
    },
    testTime,
  );

  for (const [what, options, through, of] of [
    ["a tree of the machine's users", [], "setpriv --reuid 7 --regid 8 --clear-groups", "100007 200008"],
    ["one that had a user namespace", ["--user", "--map-root-user", "--uts"], "", "100000 200000"],
  ] as const)
    test.concurrent(
      `users: ${what} has the ids of its new host, who knows others by them`,
      async () => {
        const file = "/dev/shm/tscriu-guest-$$";
        const script = `exec 3>${file}; rm ${file}; ${through} sleep 1000000 & wait`;
        await using stage = await Stage.set([...options], script, sleepers(1));
        const argv = ["unshare", "--user", "sleep", "1000000"];
        const host = await stage.keeper.run({
          argv,
          directory: "/",
          output: stage.scratch.file("host"),
          session: true,
        });
        await until("the host is not there", () => (nameOf(host) === "sleep" ? undefined : "nothing"));
        writeFileSync(`/proc/${host}/uid_map`, "0 100000 5000");
        writeFileSync(`/proc/${host}/gid_map`, "0 200000 5000");
        const before = view(stage.root);
        await stage.dump();
        expect(await refusal(stage.restore("--join-ns", `user:${host},9999,0`))).toContain("does not have this user");
        await stage.restore("--join-ns", `user:${host},0,0`, "--join-ns", `uts:${process.pid}`);
        expect(view(stage.root)).toEqual(before);
        const pids = treeOf(stage.root);
        for (const pid of pids) {
          expect(namespace(pid, "user")).toBe(namespace(host, "user"));
          expect(namespace(pid, "uts")).toBe(namespace(process.pid, "uts"));
        }
        const id = (pid: number, name: string) => status(pid, name).split(/\s+/)[0];
        expect(pids.map((pid) => `${id(pid, "Uid")} ${id(pid, "Gid")}`)).toEqual(["100000 200000", of]);
        expect(status(stage.root, "CapEff")).not.toBe("0000000000000000");
        // whose the deleted file is
        const { uid, gid } = statSync(`/proc/${stage.root}/fd/3`);
        expect([uid, gid]).toEqual([100_000, 200_000]);
      },
      testTime,
    );

  test.concurrent(
    "sockets lie in the network that was joined",
    async () => {
      await using stage = await Stage.set([], "sleep 1000000 & wait", sleepers(1));
      const host = await hostOf(stage);
      const serve = "Bun.listen({ hostname: '0.0.0.0', port: 0, socket: { data() {} } })";
      const argv = [process.execPath, "-e", serve];
      stage.root = await stage.keeper.run({ argv, directory: "/", output: stage.scratch.file("bun"), session: true });
      const inodes = () =>
        Bun.spawnSync(["sh", "-c", `ls -l /proc/${stage.root}/fd`])
          .stdout.toString()
          .match(/(?<=socket:\[)\d+/g) ?? [];
      const listening = (pid: number | "self") =>
        readFileSync(`/proc/${pid}/net/tcp`, "latin1")
          .split("\n")
          .map((line) => line.trim().split(/\s+/))
          .filter(([, , , state, , , , , , ino = ""]) => state === "0A" && inodes().some((one) => one === ino))
          .map(([, local]) => local);
      await until("it does not listen", () => (listening("self").length === 1 ? undefined : "nothing"));
      const [port] = listening("self");
      await stage.dump();
      await stage.restore("--join-ns", `net:${host}`);
      expect(listening("self")).toEqual([]);
      expect(listening(host)).toEqual([port]);
    },
    testTime,
  );

  test.concurrent.skipIf(Bun.which("ip") === null || Bun.which("nft") === null)(
    "connections out of a network that stays wait behind a lock there until the tree is back (needs ip and nft)",
    async () => {
      await using stage = await Stage.set([], "sleep 1000000 & wait", sleepers(1));
      const [here, there] = [await hostOf(stage), await hostOf(stage)];
      const inside = (pid: number, ...words: string[]) => {
        const done = Bun.spawnSync(["nsenter", `--net=/proc/${pid}/ns/net`, ...words]);
        if (done.exitCode !== 0) throw new Error(done.stderr.toString());
        return done.stdout.toString();
      };
      inside(here, "ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", String(there));
      for (const [pid, name, address] of [
        [here, "near", "10.9.8.1/24"],
        [there, "far", "10.9.8.2/24"],
      ] as const) {
        inside(pid, "ip", "address", "add", address, "dev", name);
        inside(pid, "ip", "link", "set", name, "up");
      }
      const heard = stage.scratch.file("heard");
      const start = (pid: number, script: string) => {
        const argv = ["nsenter", `--net=/proc/${pid}/ns/net`, process.execPath, "-e", script];
        return stage.keeper.run({ argv, directory: "/", output: stage.scratch.file(`bun-${pid}`), session: true });
      };
      await start(
        there,
        `let n = 0; Bun.listen({ hostname: "10.9.8.2", port: 7000, socket: { data() {}, open(s) {
          setInterval(() => s.write(n++ + "\\n"), 20); } } })`,
      );
      await until("nobody listens", () =>
        readFileSync(`/proc/${there}/net/tcp`, "latin1").includes(":1B58 ") ? undefined : "nothing",
      );
      stage.root = await start(
        here,
        `let all = ""; const socket = { data(_, d) { all += d; require("fs").writeFileSync("${heard}", all); },
          close() { process.exit(1); } }; await Bun.connect({ hostname: "10.9.8.2", port: 7000, socket })`,
      );
      const lines = () => (existsSync(heard) ? readFileSync(heard, "latin1").split("\n").slice(0, -1) : []);
      const more = async (than: number) => {
        await until("nothing is heard", () => (lines().length > than + 5 ? undefined : `${lines().length} lines`));
        return lines().length;
      };
      let count = await more(0);
      const net = /\d+/.exec(namespace(here, "net"))?.[0];
      for (let round = 0; round < 2; round++) {
        await stage.dump("--tcp-established", "--external", `net[${net}]:theirs`);
        count = lines().length;
        // the peer goes on, and hears nothing
        expect(inside(here, "nft", "list", "tables")).toContain("CRIU-");
        await Bun.sleep(100);
        await stage.restore("--tcp-established", "--join-ns", `net:${here}`);
        expect(inside(here, "nft", "list", "tables")).not.toContain("CRIU-");
        count = await more(count);
        expect(lines()).toEqual(lines().map((_, i) => String(i)));
      }
    },
    testTime,
  );

  test.concurrent(
    "what cannot be joined is refused, and the tree is not made",
    async () => {
      await using stage = await Stage.set(["--ipc"], "ipcmk -M 4096 >/dev/null; sleep 1000000 & wait", sleepers(1));
      const host = await hostOf(stage);
      await stage.dump();
      for (const [words, answer] of [
        [["--join-ns", `uts:/proc/${host}/ns/net`], /this is no uts namespace/],
        [["--join-ns", "uts:/nowhere"], /cannot open the uts namespace/],
        [["--join-ns", `ipc:${host}`], /has System V segments/],
      ] as const)
        expect(await refusal(stage.restore(...words))).toMatch(answer);
      for (const words of [
        ["--join-ns", `pid:${host}`],
        ["--join-ns", `user:${host},zero,0`],
        // the host lives in ours
        ["--join-ns", `user:${host}`],
        ["--join-ns", `uts:${host}`, "--join-ns", "uts:1"],
        ["--join-ns", `net:${host}`, "--empty-ns", "net"],
      ])
        expect([words, await refusal(stage.restore(...words))]).not.toEqual([words, "it did not fail"]);
      await stage.restore();
      expect(treeOf(stage.root).length).toBe(2);
    },
    testTime,
  );
});
