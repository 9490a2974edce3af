/**
 * A container that was made by hand, with namespaces of every kind, goes to another host: where interfaces and processes have other
 * numbers, the end of its pair outside another name, its root and its cgroup lie elsewhere.
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownMounts } from "../../src/kernel/mount.ts";
import { mountTable } from "../lib/mount-table.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";
import { Host } from "./lib/host.ts";

const testTime = 300_000;
const tools = ["busybox", "ip", "nft", "nsenter", "unshare"];
const lacking = tools.find((name) => Bun.which(name) === null);
const hierarchy = ownMounts().find(
  ({ fsType, superOptions }) => fsType === "cgroup" && superOptions.split(",").includes("pids"),
)?.mountpoint;

type User = "user" | "root";

/** A place for the root: what is below, and what the container has written. */
class Place {
  readonly dir: string;
  readonly root: string;

  constructor(scratch: Scratch, name: string) {
    this.dir = scratch.file(name);
    this.root = `${this.dir}/root`;
    for (const part of ["lower", "upper", "work", "root", "images"])
      mkdirSync(`${this.dir}/${part}`, { recursive: true });
  }

  get images(): string {
    return `${this.dir}/images`;
  }

  /** For the host that it is on. */
  get mount(): string {
    const { dir } = this;
    return `mount -t overlay -o lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work overlay ${dir}/root`;
  }

  async fill(user: User): Promise<void> {
    const { dir } = this;
    const source = join(import.meta.dir, "lib/container.c");
    const script = `cd ${dir}/lower; mkdir -p bin dev proc sys tmp old; cp ${Bun.which("busybox")} bin/busybox
      cc -Wall -Wextra -Werror -static -O1 -o container ${source}; mknod dev/null c 1 3; mknod dev/zero c 1 5; mkdir dev/pts dev/shm
      chmod 755 .; chmod 666 dev/null; ${user === "user" ? `chown -R 100000:100000 ${dir}/lower ${dir}/upper` : ":"}; chmod 755 ${dir}`;
    const done = Bun.spawnSync(["sh", "-ec", script], { stderr: "pipe" });
    if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  }

  /** What the container has written, as a copy for another host. */
  take(from: Place): void {
    for (const part of ["lower", "upper"]) Bun.spawnSync(["cp", "-a", `${from.dir}/${part}/.`, `${this.dir}/${part}`]);
    Bun.spawnSync(["cp", "-a", `${from.images}/.`, this.images]);
    Bun.spawnSync(["chmod", "755", this.dir]);
  }

  get report(): { count: number; talked: number; wrong: string } {
    const path = `${this.dir}/upper/report`;
    const [count = "0", talked = "0", ...wrong] = existsSync(path)
      ? readFileSync(path, "latin1").trim().split(" ")
      : [];
    return { count: Number(count), talked: Number(talked), wrong: wrong.join(" ") };
  }
}

/** What the shell does in the new namespaces before it becomes the init. */
const atHome = (root: string) => `busybox hostname container
  mount --bind ${root} ${root}; cd ${root}; mount -t proc proc proc; mount -t sysfs sysfs sys
  mount -t tmpfs -o size=1m,mode=1777 tmp tmp; mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
  mount -t tmpfs -o nosuid shm dev/shm; mount -o remount,bind,ro sys; pivot_root . old
  exec /bin/busybox sh -ec "/bin/busybox umount -l /old; exec /container live </dev/null >/dev/null 2>&1"`;

const RULES = `
table inet wall {
  set ports { type inet_service; elements = { 7000, 7001 }; }
  chain in {
    type filter hook input priority 0; policy drop;
    iif "lo" accept; ct state established,related accept; iif "br0" tcp dport @ports accept
    iifname "eth0" tcp dport 7000 accept; meta l4proto { icmp, ipv6-icmp } accept
  }
  chain out { type filter hook output priority 0; policy accept; oif "br0" ip daddr 192.0.2.7 reject; }
}
table ip nat {
  chain post { type nat hook postrouting priority 100; ip saddr 10.77.0.0/24 oifname "eth0" masquerade; }
}`;

/** The network, made from outside: an init's, and that of its client. */
const networks = (init: number, client: number) => `
  n() { nsenter --net=/proc/${init}/ns/net "$@"; }; c() { nsenter --net=/proc/${client}/ns/net "$@"; }
  ip link add outer type veth peer name eth0 netns ${init}; ip link set outer master hostbr up
  n ip link set lo up; n ip link set eth0 mtu 1400 up; n ip addr add 10.99.0.2/24 dev eth0
  n ip addr add fd99::2/64 dev eth0 nodad; n ip route add default via 10.99.0.1; n ip -6 route add default via fd99::1
  n ip link add br0 type bridge; n ip addr add 10.77.0.1/24 dev br0; n ip link set br0 up
  n ip link add port0 type veth peer name in0 netns ${client}; n ip link set port0 master br0 up
  c ip link set lo up; c ip link set in0 up; c ip addr add 10.77.0.2/24 dev in0; c ip route add default via 10.77.0.1
  n ip rule add from 10.77.0.0/24 lookup 100 priority 500; n ip route add 10.50.0.0/16 via 10.99.0.1 table 100
  n ip route add blackhole 192.0.2.0/25 table 100 metric 7; n sysctl -qw net.ipv4.ip_forward=1
  n nft '${RULES}'`;

interface Tree {
  readonly init: number;
  readonly client: number;
}

async function treeOn(host: Host, init: number): Promise<Tree> {
  const children = (await host.sh(`cat /proc/${init}/task/${init}/children`)).trim().split(" ").map(Number);
  for (const client of children)
    if ((await host.sh(`cat /proc/${client}/comm`)) === "client\n") return { init, client };
  throw new Error(`there is no client among ${children}`);
}

/** All that shows of it, without what numbers the outside gives. */
async function look(host: Host, { init, client }: Tree): Promise<Record<string, string>> {
  const network = (
    pid: number,
  ) => `nsenter --net=/proc/${pid}/ns/net sh -ec 'ip -d -o link; ip -o addr; ip rule; ip -6 rule
    ip route show table all; ip -6 route show table all; nft list ruleset; grep . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/*'`;
  const plain = (text: string) =>
    text
      .replace(/ (link-netnsid|numtxqueues|numrxqueues|gso_max_size|gso_max_segs|tso_max_size|tso_max_segs) \S+/g, "")
      .replace(/eth0@if\d+/g, "eth0@outside")
      .replace(/ (hello|tcn|topology_change|gc|forward_delay|hold|message_age)_timer +\S+/g, "")
      .replace(/(expires|valid_lft|preferred_lft) \d+sec/g, "$1");
  const mounts = mountTable(await host.sh(`cat /proc/${init}/mountinfo`), (kind) => kind)
    .map(({ place, what }) => `${place} ${what}`)
    .map((line) => line.replace(/ overlay overlay rw,\S+/, " overlay"));
  return {
    network: plain(await host.sh(network(init))),
    client: plain(await host.sh(network(client))),
    mounts: mounts.join("\n"),
    name: await host.run("nsenter", `--uts=/proc/${init}/ns/uts`, "uname", "-n"),
    segments: await host.run("nsenter", `--ipc=/proc/${init}/ns/ipc`, "cut", "-b1-33", "/proc/sysvipc/shm"),
    cgroup: await host.run("nsenter", `--cgroup=/proc/${init}/ns/cgroup`, "cat", `/proc/${init}/cgroup`),
    ids: await host.sh(`cat /proc/${init}/uid_map /proc/${init}/gid_map; grep -h NSpid /proc/${init}/status | cut -f3`),
  };
}

/** The same, once the kernel has settled what it does by itself: bridges that come up, addresses that nobody else must have. */
async function settled(host: Host, tree: Tree): Promise<Record<string, string>> {
  for (let tries = 0; ; tries++) {
    const [before, seen] = [await look(host, tree), await look(host, tree)];
    const [was, is] = [JSON.stringify(before), JSON.stringify(seen)];
    if (was === is && !/tentative|state (UNKNOWN|LOWERLAYERDOWN|DOWN) mode/.test(is.replaceAll(/\d: lo:.*?\\n/g, "")))
      return seen;
    if (tries > 200) throw new Error(`it does not settle: ${is}`);
    await Bun.sleep(50);
  }
}

/** It goes on, and nothing is wrong. */
async function goesOn(place: Place): Promise<void> {
  const before = place.report;
  await until("the container does not go on", () => {
    const { count, talked, wrong } = place.report;
    if (wrong !== "") throw new Error(wrong);
    return count > before.count + 60 && talked > before.talked + 10 ? undefined : JSON.stringify(place.report);
  });
}

/** From the host, by the pair. */
async function reachable(host: Host): Promise<void> {
  expect(await host.sh("echo hello | busybox nc -w 2 10.99.0.2 7000 || true")).toBe("hello\n");
}

class Cgroups implements Disposable {
  readonly name = `tscriu-moved-${process.pid}-${Bun.nanoseconds()}`;
  readonly first = `/${this.name}-a`;
  readonly second = `/${this.name}-b`;
  readonly enter = hierarchy === undefined ? ":" : `echo 0 >${hierarchy}${this.first}/box/cgroup.procs`;
  readonly elsewhere = hierarchy === undefined ? [] : ["--cgroup-root", `pids:${this.second}`];

  constructor() {
    if (hierarchy !== undefined) mkdirSync(`${hierarchy}${this.first}/box`, { recursive: true });
  }

  [Symbol.dispose](): void {
    if (hierarchy === undefined) return;
    for (const top of [this.first, this.second])
      for (const path of [`${top}/box`, top]) if (existsSync(hierarchy + path)) rmdirSync(hierarchy + path);
  }
}

const bridge = "ip link add hostbr type bridge; ip addr add 10.99.0.1/24 dev hostbr; ip link set hostbr up";
const others = Array.from({ length: 9 }, (_, i) => `ip link add other${i} type bridge`).join("; ");

async function begin(host: Host, place: Place, cgroups: Cgroups, user: User): Promise<Tree> {
  await place.fill(user);
  await host.sh(`${bridge}; ${place.mount}`);
  const pidfile = `${place.dir}/pid`;
  const script = atHome(place.root);
  await host.run(
    "sh",
    "-ec",
    `${cgroups.enter}; exec "$0" "$@"`,
    `${place.dir}/lower/container`,
    "launch",
    pidfile,
    user,
    "sh",
    "-ec",
    script,
  );
  const init = Number(readFileSync(pidfile, "latin1"));
  await until("the container does not begin", () => (existsSync(`${place.dir}/upper/report`) ? undefined : host.said));
  const tree = await treeOn(host, init);
  await host.sh(networks(init, tree.client));
  await host.sh(`: >${place.root}/go`);
  await goesOn(place);
  return tree;
}

const options = ["--manage-cgroups", "--tcp-established"];

/** Restores what lies there, as its place and the host want it. */
async function comeBack(host: Host, place: Place, outer: string, more: readonly string[]): Promise<Tree> {
  const words = ["-d", "--pidfile", "pid", "--root", place.root, "--external", `veth[eth0]:${outer}`];
  await host.tscriu("restore", place.images, ...words, ...more, ...options);
  return await treeOn(host, Number(readFileSync(`${place.images}/pid`, "latin1")));
}

function places<const Names extends readonly string[]>(scratch: Scratch, ...names: Names) {
  chmodSync(scratch.path, 0o755);
  return names.map((name) => new Place(scratch, name)) as { [K in keyof Names]: Place };
}

describe("a container that is moved", () => {
  if (process.getuid?.() !== 0 || lacking !== undefined) {
    test.skip(`(it needs root and ${tools.join(", ")})`, () => {});
    return;
  }

  for (const user of ["root", "user"] as const)
    test(
      user === "root" ? "with namespaces of every kind" : "with a user namespace, too",
      async () => {
        using cgroups = new Cgroups();
        using scratch = new Scratch();
        const [here, there] = places(scratch, "here", "there");
        await using first = await Host.start("true");
        const tree = await begin(first, here, cgroups, user);
        const before = await settled(first, tree);
        await reachable(first);
        await first.tscriu("dump", here.images, "-t", `${tree.init}`, "--root", here.root, ...options);
        const { count } = here.report;
        there.take(here);
        await using second = await Host.start(`${others}; ${bridge}; ${there.mount}`);
        const moved = await comeBack(second, there, "beyond@hostbr", cgroups.elsewhere);
        await goesOn(there);
        expect(there.report.count).toBeGreaterThan(count);
        expect(await settled(second, moved)).toEqual(before);
        await reachable(second);
        if (hierarchy !== undefined)
          expect(await second.sh(`cat /proc/${moved.client}/cgroup`)).toMatch(new RegExp(`:pids:${cgroups.second}`));
      },
      testTime,
    );

  test(
    "while the one that was saved lives on, to another host and beside it",
    async () => {
      using cgroups = new Cgroups();
      using scratch = new Scratch();
      const [here, there, beside] = places(scratch, "here", "there", "beside");
      await using first = await Host.start("true");
      await using second = await Host.start(`${others}; ${bridge}; ${there.mount}`);
      const tree = await begin(first, here, cgroups, "root");
      const before = await settled(first, tree);
      // what it has written is taken while it stands still
      const script = scratch.file("script");
      const copies = [there, beside].map(({ dir }) => `cp -a ${here.dir}/lower ${here.dir}/upper ${dir}`);
      const text = `#!/bin/sh -e\n[ $CRTOOLS_SCRIPT_ACTION = post-dump ] || exit 0\n${copies.join("; ")}\n`;
      writeFileSync(script, text, { mode: 0o755 });
      const alive = ["--leave-running", "--action-script", script];
      await first.tscriu("dump", here.images, "-t", `${tree.init}`, "--root", here.root, ...alive, ...options);
      await goesOn(here);
      for (const place of [there, beside]) Bun.spawnSync(["cp", "-a", `${here.images}/.`, place.images]);
      const elsewhere = await comeBack(second, there, "beyond@hostbr", cgroups.elsewhere);
      await first.sh(beside.mount);
      const again = await comeBack(first, beside, "third", []);
      expect(again.init).not.toBe(tree.init);
      for (const place of [here, there, beside]) await goesOn(place);
      expect(await settled(second, elsewhere)).toEqual(before);
      expect(await look(first, tree)).toEqual(before);
      await reachable(second);
    },
    testTime,
  );
});
