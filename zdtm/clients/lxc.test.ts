/** LXC drives us by our command line: containers with its usual mounts, console, devices and cgroups. */
import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { binary } from "../lib/binary.ts";
import { until } from "../programs/lib/stage.ts";
import { Host } from "./lib/host.ts";

const programs = ["lxc-start", "lxc-checkpoint", "busybox"].map((name) => Bun.which(name));
const isThere = process.getuid?.() === 0 && programs.every((path) => path !== null);

/** LXC looks for a bridge in what /sys shows of the network that it was mounted in. */
const BRIDGED = `mkdir /run/cgroup; mount --rbind /sys/fs/cgroup /run/cgroup
  mount -t sysfs sysfs /sys; mount --rbind /run/cgroup /sys/fs/cgroup
  ip link add bridge0 type bridge; ip address add 10.9.0.1/24 dev bridge0; ip link set bridge0 up`;
/** Users of an unprivileged container, as LXC maps them. */
const FIRST_USER = 100_000;

/** A machine that has one container of LXC, which counts in a tmpfs. */
class Container implements AsyncDisposable {
  readonly name = `tscriu-${process.pid}-${Bun.nanoseconds()}`;

  private constructor(readonly host: Host) {}

  static async make(isUnprivileged: boolean): Promise<Container> {
    // its sockets and locks lie in /run
    const it = new Container(await Host.start(`mount -t tmpfs none /run; ${BRIDGED}`));
    const { scratch } = it.host;
    const root = scratch.file(`${it.name}/rootfs`);
    for (const dir of ["bin", "dev", "proc", "sys", "tmp", "mnt"]) mkdirSync(`${root}/${dir}`, { recursive: true });
    for (const dir of ["top", "given", "criu"]) mkdirSync(scratch.file(dir));
    copyFileSync(Bun.which("busybox") ?? "", `${root}/bin/busybox`);
    for (const name of ["sh", "sleep"]) symlinkSync("busybox", `${root}/bin/${name}`);
    writeFileSync(`${root}/count`, "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; sleep 0.02; done");
    const words = (await binary()).join(" ");
    writeFileSync(scratch.file("criu/criu"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    const config = {
      "lxc.uts.name": it.name,
      "lxc.rootfs.path": `dir:${root}`,
      "lxc.rootfs.mount": scratch.file("top"),
      "lxc.net.0.type": "veth",
      "lxc.net.0.link": "bridge0",
      "lxc.net.0.flags": "up",
      "lxc.net.0.ipv4.address": "10.9.0.2/24",
      "lxc.mount.auto": "cgroup:mixed proc:mixed sys:mixed",
      "lxc.init.cmd": "/bin/sh /count",
    };
    const lines = Object.entries(config).map(([key, value]) => `${key} = ${value}\n`);
    const mounts = ["tmpfs tmp tmpfs rw", `${scratch.file("given")} mnt none bind`];
    lines.push(...mounts.map((mount) => `lxc.mount.entry = ${mount} 0 0\n`));
    if (isUnprivileged) {
      lines.push(...["u", "g"].map((kind) => `lxc.idmap = ${kind} 0 ${FIRST_USER} 65536\n`));
      chmodSync(scratch.path, 0o711);
      Bun.spawnSync(["chown", "-R", `${FIRST_USER}:${FIRST_USER}`, root]);
    }
    writeFileSync(scratch.file(`${it.name}/config`), lines.join(""));
    return it;
  }

  /** Runs a command of LXC on it; what it says. */
  async run(command: string, ...words: string[]): Promise<string> {
    const { scratch } = this.host;
    const log = scratch.file(`${command}.log`);
    const all = [command, "-P", scratch.path, "-n", this.name, "-o", log, "-l", "INFO", ...words];
    const quoted = all.map((word) => `'${word}'`).join(" ");
    // it must not hold files of ours, which lie outside of it
    const script = `export PATH=${scratch.file("criu")}:$PATH; exec ${quoted} </dev/null >${scratch.file("out")} 2>&1`;
    try {
      await this.host.sh(script);
    } catch (error) {
      const logs = `tail -n 20 ${scratch.file("out")} ${log} ${scratch.path}/images*/*.log`;
      throw new Error(`${error}\n${await this.host.sh(`${logs} || true`)}`);
    }
    return await this.host.run("cat", scratch.file("out"));
  }

  /** LXC wants a fresh directory for each dump. */
  async checkpoint(images: string, ...words: string[]): Promise<void> {
    await this.run("lxc-checkpoint", "-v", "-D", this.host.scratch.file(images), ...words);
  }

  async pid(): Promise<number> {
    return Number(await this.run("lxc-info", "-p", "-H"));
  }

  async count(): Promise<number> {
    return Number(await this.host.sh(`cat /proc/${await this.pid()}/root/tmp/count 2>/dev/null || echo 0`));
  }

  /** It counts on from there; gives how far it has come. */
  async counts(from: number): Promise<number> {
    for (let tries = 0; tries < 200; tries++) {
      const count = await this.count();
      if (count > from + 2) return count;
      await Bun.sleep(20);
    }
    throw new Error(`it does not count on from ${from}`);
  }

  /** Its address, and whether the other end of its interface is in the bridge. */
  async network(): Promise<string> {
    const inside = `nsenter -t ${await this.pid()} -n ip -o -4 address show dev eth0`;
    return await this.host.sh(`${inside} | tr -d '\\\\'; bridge link`);
  }

  /** As whom its first process runs, outside of it. */
  async user(): Promise<number> {
    return Number(await this.host.run("stat", "-c", "%u", `/proc/${await this.pid()}`));
  }

  async mounts(): Promise<string[]> {
    const lines = (await this.host.run("cat", `/proc/${await this.pid()}/mountinfo`)).trim().split("\n");
    return lines.map((line) => line.split(" ").slice(3, 6).join(" ")).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("lxc-stop", "-k").catch(() => {});
    await this.host[Symbol.asyncDispose]();
    // what LXC leaves in each hierarchy
    for (const { fsType, mountpoint } of ownMounts())
      if (fsType.startsWith("cgroup"))
        for (const name of [`lxc.payload.${this.name}`, `lxc.monitor.${this.name}`, "lxc.pivot"])
          try {
            rmdirSync(`${mountpoint}/${name}`);
          } catch {
            // it is not there, or somebody else's
          }
  }
}

test.skipIf(!isThere).each([false, true])(
  `a container of LXC on a bridge is left running, and saved and brought back in its place; unprivileged: %p${isThere ? "" : " (it needs root, lxc and busybox)"}`,
  async (isUnprivileged) => {
    await using container = await Container.make(isUnprivileged);
    try {
      await container.run("lxc-start", "-d");
    } catch (error) {
      console.log(`skipped a container of LXC, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    let count = await container.counts(0);
    await container.checkpoint("images");
    count = await container.counts(count);
    const mounts = await container.mounts();
    for (let round = 0; round < (isUnprivileged ? 1 : 2); round++) {
      await container.checkpoint(`images-${round}`, "-s");
      // its monitor is on the way out, and breaks off what it is asked meanwhile
      await until(
        "it is stopped",
        async () => (await container.run("lxc-info", "-s", "-H")) === "STOPPED\n" || undefined,
      );
      await container.checkpoint(`images-${round}`, "-r", "-d");
      expect(await container.run("lxc-info", "-s", "-H")).toBe("RUNNING\n");
      count = await container.counts(count);
      expect(await container.mounts()).toEqual(mounts);
      expect(await container.network()).toMatch(/inet 10\.9\.0\.2\/24 .*\n.*state forwarding/);
      expect(await container.user()).toBe(isUnprivileged ? FIRST_USER : 0);
    }
    const own = await container.host.run("cat", `/proc/${await container.pid()}/cgroup`);
    expect(own).toContain(`/lxc.payload.${container.name}`);
  },
  300_000,
);
