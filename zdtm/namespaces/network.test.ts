/** Trees in network namespaces that somebody else fills, or that stay outside. What is in one of the tree's own: zdtm's netns cases. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { refusal } from "../unharmed/lib/victim.ts";
import { namespace, Stage, sleepers } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const noIp = Bun.which("ip") === null ? "there is no ip (Debian: iproute2)" : undefined;
const testTime = 300_000;

const inside = (root: number, ...words: string[]) =>
  Bun.spawnSync(["nsenter", "--net", "-t", String(root), ...words]).stdout.toString();

describe.skipIf(!isRoot || noIp !== undefined)(`networks (needs root and ip${noIp ? `: ${noIp}` : ""})`, () => {
  test(
    "one that stays outside is entered again, twice over",
    async () => {
      const file = "mount -t tmpfs none /mnt; : >/mnt/net";
      await using stage = await Stage.set(["--net=/mnt/net"], "sleep 1000 & wait", sleepers(1), file);
      const before = namespace(stage.root, "net");
      const external = ["--external", `net[${/\d+/.exec(before)?.[0]}]:ours`];
      inside(stage.root, "ip", "link", "add", "mark", "type", "bridge");
      for (let round = 0; round < 2; round++) {
        await stage.dump(...external);
        expect(await refusal(stage.restore())).toContain("--inherit-fd 'fd[N]:ours'");
        const words = [
          "restore",
          "-d",
          "--pidfile",
          "pid",
          "--inherit-fd",
          "fd[9]:ours",
          "-D",
          stage.images,
          "-o",
          "log",
        ];
        const argv = ["sh", "-c", 'exec 9</mnt/net; exec "$@"', "sh", ...(await binary()), ...words];
        const pid = await stage.keeper.run({ argv, directory: "/", output: stage.scratch.file("said") });
        const status = await stage.keeper.ended(pid);
        expect([status, readFileSync(`${stage.images}/log`, "latin1")]).toEqual([0, expect.anything()]);
        stage.root = Number(readFileSync(`${stage.images}/pid`, "latin1"));
        expect(namespace(stage.root, "net")).toBe(before);
        expect(inside(stage.root, "ip", "-o", "link")).toContain("mark");
        Bun.spawnSync(["rm", `${stage.images}/pid`]);
      }
    },
    testTime,
  );

  test(
    "an interface that was moved in is given again, under its name and number",
    async () => {
      const pairs = "ip link add moved type veth peer name other; ip link add orig type veth peer name another";
      const apart = `exec unshare --net sh -ec '${pairs}; exec "$0" "$@"' "$0" "$@"`;
      await using stage = await Stage.set(["--net"], "sleep 1000 & wait", sleepers(1), apart);
      inside(stage.parent, "ip", "link", "set", "moved", "netns", `${stage.root}`);
      inside(stage.root, "sh", "-c", "ip link set moved up; ip addr add 10.5.0.1/24 dev moved");
      const seen = () => /^(\d+): moved@.*$/m.exec(inside(stage.root, "ip", "-o", "link"))?.[1];
      const before = seen();
      expect(before).toBeDefined();
      await stage.dump("--external", "netdev[moved]");
      for (const given of [[], ["--external", "netdev[moved]"]])
        expect(await refusal(stage.restore(...given))).toMatch(/netdev\[moved\]:NAME|veth\[moved\]:NAME/);
      expect(await refusal(stage.restore("--external", "netdev[moved]:nothing"))).toContain("make it first");
      await stage.restore("--external", "netdev[moved]:orig");
      expect(seen()).toBe(before);
      expect(inside(stage.root, "ip", "-o", "addr")).toContain("10.5.0.1/24");
      expect(inside(stage.parent, "ip", "-o", "link")).not.toContain("orig");
      expect(inside(stage.parent, "ip", "-o", "link")).toContain("another");
    },
    testTime,
  );

  test(
    "sysctls that this kernel does not have end a restore, or are left out (--weak-sysctls)",
    async () => {
      await using stage = await Stage.set(["--net"], "sleep 1000 & wait", sleepers(1));
      inside(stage.root, "sh", "-c", "echo 77 >/proc/sys/net/unix/max_dgram_qlen");
      await stage.dump();
      const without = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none /proc/sys/net; exec "$0" "$@"'];
      expect(await refusal(stage.restoreBelow(without))).toMatch(
        /lacks a sysctl .*\/proc\/sys\/net\/[\s\S]*--weak-sysctls/,
      );
      await stage.restoreBelow(without, "--weak-sysctls");
      expect(readFileSync(`${stage.images}/restore.log`, "latin1")).toMatch(/is left out, .*max_dgram_qlen/);
    },
    testTime,
  );

  test(
    "an end outside that cannot be made is an error that says why, and nothing of it stays",
    async () => {
      const apart = `exec unshare --net sh -ec 'ip link add used type veth peer name other; exec "$0" "$@"' "$0" "$@"`;
      await using stage = await Stage.set(["--net"], "sleep 1000 & wait", sleepers(1), apart);
      inside(
        stage.parent,
        "ip",
        "link",
        "add",
        "outer",
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        `${stage.root}`,
      );
      await stage.dump();
      const wrong = [
        ["used", "an interface of that name is outside already"],
        ["much-too-long-for-one", "cannot be the name of an interface"],
        ["a/b", "cannot be the name of an interface"],
        ["new@nobody", "remedy: make it first (ip link add nobody type bridge)"],
        ["new@", "cannot be the name of an interface"],
        ["new@used", "remedy: name a bridge that takes it"],
      ] as const;
      for (const [value, said] of wrong) {
        expect(await refusal(stage.restore("--external", `veth[eth0]:${value}`))).toContain(said);
        expect(
          inside(stage.parent, "ip", "-o", "link")
            .match(/\w+(?=@)/g)
            ?.sort(),
        ).toEqual(["other", "used"]);
      }
      await stage.restore("--external", "veth[eth0]:new");
      expect(inside(stage.parent, "ip", "-o", "link")).toContain("new@");
    },
    testTime,
  );

  test(
    "an empty one is for scripts to fill, when it is there and before the tree runs",
    async () => {
      const fill = "ip link set lo up; ip link add gone type bridge";
      await using stage = await Stage.set(["--net"], `${fill}; sleep 1000 & wait`, sleepers(1));
      const script = stage.scratch.file("script");
      const told = stage.scratch.file("told");
      writeFileSync(
        script,
        `#!/bin/sh
echo $CRTOOLS_SCRIPT_ACTION >>${told}
[ $CRTOOLS_SCRIPT_ACTION = setup-namespaces ] || exit 0
exec nsenter --net -t $CRTOOLS_INIT_PID ip addr add 10.77.1.1/32 dev lo
`,
      );
      chmodSync(script, 0o755);
      await stage.dump("--empty-ns", "net");
      await stage.restore("--empty-ns", "net", "--action-script", script);
      expect(namespace(stage.root, "net")).not.toBe(namespace(process.pid, "net"));
      expect(inside(stage.root, "ip", "-o", "addr")).toContain("10.77.1.1");
      expect(inside(stage.root, "ip", "-o", "link")).not.toContain("gone");
      const order = existsSync(told) ? readFileSync(told, "latin1").split("\n") : [];
      expect(order.filter((name) => /setup|restore/.test(name))).toEqual([
        "pre-restore",
        "setup-namespaces",
        "post-setup-namespaces",
        "post-restore",
      ]);
    },
    testTime,
  );
});
