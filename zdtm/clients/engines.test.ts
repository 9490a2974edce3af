/** containerd and Docker have runc drive us: containers are saved into their stores and brought back from there. */
import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { binary } from "../lib/binary.ts";
import { Host } from "./lib/host.ts";

const has = (...names: string[]) =>
  process.getuid?.() === 0 && ["runc", "busybox", "tar", ...names].every((name) => Bun.which(name) !== null);

/** A machine with an engine whose sockets and stores lie in a scratch directory, and a root whose program counts. */
class Engine implements AsyncDisposable {
  readonly cgroup = `tscriu-${process.pid}-${Bun.nanoseconds()}`;

  private constructor(
    readonly host: Host,
    readonly tools: string,
  ) {}

  static async start(tools: string): Promise<Engine> {
    const host = await Host.start("mount -t tmpfs none /run");
    const { scratch } = host;
    const root = scratch.file("rootfs");
    for (const dir of ["bin", "dev", "proc", "sys", "tmp", "etc", "data"])
      mkdirSync(`${root}/${dir}`, { recursive: true });
    // runc gives what is mounted there this mode
    chmodSync(`${root}/tmp`, 0o1777);
    copyFileSync(Bun.which("busybox") ?? "", `${root}/bin/busybox`);
    for (const name of ["sh", "sleep", "cat"]) symlinkSync("busybox", `${root}/bin/${name}`);
    writeFileSync(`${root}/count`, "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; sleep 0.02; done");
    writeFileSync(scratch.file("criu"), `#!/bin/sh\nexec ${(await binary()).join(" ")} "$@"\n`, { mode: 0o755 });
    return new Engine(host, tools);
  }

  /** Standard output. Containers must not hold files of ours: they lie outside. */
  async sh(script: string): Promise<string> {
    const { path } = this.host.scratch;
    const said = `${path}/complained`;
    const whole = `cd ${path}; export PATH=${path}:$PATH; ${this.tools}\n{ ${script}\n} </dev/null 2>${said}`;
    try {
      return (await this.host.sh(whole)).trim();
    } catch (error) {
      throw new Error(`${error}\n${await this.host.sh(`cat ${said}; tail -n 5 ${path}/log || true`)}`);
    }
  }

  /** The container counts on from there. `pid` prints that of its first process. */
  async counts(pid: string, from: number): Promise<number> {
    for (let tries = 0; tries < 200; tries++) {
      const count = Number(await this.sh(`cat /proc/$(${pid})/root/tmp/count || echo 0`));
      if (count > from + 2) return count;
      await Bun.sleep(20);
    }
    throw new Error(`it does not count on from ${from}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    for (const { fsType, mountpoint } of ownMounts())
      if (fsType.startsWith("cgroup"))
        try {
          rmdirSync(`${mountpoint}/${this.cgroup}`);
        } catch {
          // it is not there
        }
  }
}

/** What the kernel shows of who the container's program is, and what it may. */
const STANDING = "grep -E '^(Uid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc";

const isDockerThere = has("docker", "dockerd", "containerd", "iptables");
test.skipIf(!isDockerThere)(
  `Docker: a container on its bridge is left running, and saved and brought back, a client stays connected${isDockerThere ? "" : " (it needs root, docker, dockerd, containerd, iptables, runc and busybox)"}`,
  async () => {
    await using engine = await Engine.start('export DOCKER_HOST="unix://$PWD/d.sock"');
    const inspect = (what: string) => `docker inspect -f '{{${what}}}' one`;
    const pid = inspect(".State.Pid");
    const server = "busybox nc -ll -p 7000 -e cat & exec sh /count";
    const limits = "--ulimit nofile=512:512 --ulimit nproc=512:512 --memory 64m --pids-limit 60";
    const user = "--user 1000:1000 --cap-drop ALL --security-opt no-new-privileges";
    const files = "--read-only --tmpfs /tmp:mode=1777 --volume kept:/data --shm-size 8m";
    const more = "--publish 8080:7000 --health-cmd 'test -f /tmp/count' --health-interval 1s";
    try {
      // the machine's own configuration stays as it is
      await engine.sh(`mkdir upper work; mount -t overlay -o lowerdir=/etc,upperdir=upper,workdir=work none /etc
        mkdir -p /etc/criu; echo tcp-established >/etc/criu/runc.conf; echo '{"experimental": true}' >daemon.json`);
      const places = `--config-file $PWD/daemon.json --data-root $PWD/data --exec-root $PWD/exec --pidfile $PWD/pid -H $DOCKER_HOST`;
      await engine.sh(`dockerd ${places} --userland-proxy=false --cgroup-parent /${engine.cgroup} >log 2>&1 &
        for i in $(seq 200); do docker version >/dev/null 2>&1 && break; sleep 0.05; done
        tar -C rootfs -c . | docker import - counter; init=$(command -v docker-init >/dev/null && echo --init)
        docker run -d --name one $init ${limits} ${user} ${files} ${more} counter sh -c '${server}'`);
    } catch (error) {
      console.log(`skipped a container of Docker, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    const asks = (word: string) =>
      engine.sh(
        `echo ${word} >ask; for i in $(seq 200); do grep -q ${word} heard && exit 0; sleep 0.05; done; cat heard >&2; exit 1`,
      );
    const standing = () => engine.sh(`${STANDING}/$(${pid})/status`);
    try {
      let count = await engine.counts(pid, 0);
      await engine.sh(
        `mkfifo ask; exec 3<>ask; busybox nc $(${inspect(".NetworkSettings.IPAddress")}) 7000 <&3 >heard 2>&1 &`,
      );
      await asks("before");
      const before = await standing();
      expect(before).toMatch(/^Uid:\t1000\t/);
      await engine.sh("docker checkpoint create --leave-running one before");
      count = await engine.counts(pid, count);
      await asks("between");
      await engine.sh("docker checkpoint create one after");
      for (let tries = 0; tries < 200 && (await engine.sh("docker ps -q")) !== ""; tries++) await Bun.sleep(20);
      await engine.sh("docker start --checkpoint after one");
      await engine.counts(pid, count);
      await asks("after");
      expect(await standing()).toBe(before);
      await engine.sh(
        `for i in $(seq 100); do ${inspect(".State.Health.Status")} | grep -q ^healthy && exit 0; sleep 0.1; done; exit 1`,
      );
    } finally {
      await engine.sh("docker rm -f one");
    }
  },
  300_000,
);

const isContainerdThere = has("ctr", "containerd", "containerd-shim-runc-v2");
test.skipIf(!isContainerdThere)(
  `containerd: a task is left running and saved, its images hold what it needs${isContainerdThere ? "" : " (it needs root, containerd, runc and busybox)"}`,
  async () => {
    await using engine = await Engine.start("export CONTAINERD_ADDRESS=$PWD/c.sock");
    const pid = "ctr tasks ls | awk '/^one/{print $2}'";
    const { path } = engine.host.scratch;
    try {
      writeFileSync(
        `${path}/config.toml`,
        `version = 2\nroot = "${path}/store"\nstate = "${path}/state"
        disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
        [grpc]\naddress = "${path}/c.sock"\n[ttrpc]\naddress = "${path}/c.sock.ttrpc"\n`,
      );
      await engine.sh(`containerd -c config.toml >log 2>&1 &
        for i in $(seq 200); do ctr version >/dev/null 2>&1 && break; sleep 0.05; done
        ctr run -d --cgroup /${engine.cgroup}/one --rootfs $PWD/rootfs one /bin/sh /count >/dev/null 2>&1`);
    } catch (error) {
      console.log(`skipped a container of containerd, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return;
    }
    try {
      const count = await engine.counts(pid, 0);
      await engine.sh("mkdir a b; ctr tasks checkpoint --image-path $PWD/a --work-path $PWD/a one");
      await engine.counts(pid, count);
      await engine.sh("ctr tasks checkpoint --exit --image-path $PWD/b --work-path $PWD/b one");
      await engine.sh("for i in $(seq 200); do ctr tasks ls | grep -q STOPPED && exit 0; sleep 0.02; done; exit 1");
      expect(await engine.sh("ls a/inventory.img b/inventory.img")).toBe("a/inventory.img\nb/inventory.img");
    } finally {
      await engine.sh("ctr tasks kill -s KILL one || true; sleep 0.2; ctr tasks rm -f one || true; ctr c rm one");
    }
  },
  300_000,
);
