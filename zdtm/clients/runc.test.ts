/** runc drives us as it drives criu: containers with its usual mounts, namespaces and cgroups. */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { closeFd } from "../../src/kernel/fd.ts";
import { NR } from "../../src/kernel/nr.ts";
import { readKeys } from "../../src/kernel/proc/keys.ts";
import { accept, listen, makeSocket, tryBind, tryReceive, unixAddress } from "../../src/kernel/socket.ts";
import { addressOf, check, sys } from "../../src/kernel/sys.ts";
import { O } from "../../src/kernel/uapi/fcntl.ts";
import { AF } from "../../src/kernel/uapi/socket.ts";
import { sessionInside } from "../../src/task/keyrings-dump.ts";
import { binary } from "../lib/binary.ts";
import { mountTable } from "../lib/mount-table.ts";
import { freePort } from "../programs/real/real.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";
import { Client } from "./lib/client.ts";

const [runc, busybox] = [Bun.which("runc"), Bun.which("busybox")];
const testTime = 300_000;
const SOCK_STREAM = 1;

/** How far the program has come whose first process this is. */
function countOf(pid: number): number {
  const path = `/proc/${pid}/root/tmp/count`;
  return existsSync(path) ? Number(readFileSync(path, "latin1")) : 0;
}

class Container implements Disposable {
  readonly scratch = new Scratch();
  readonly id = `tscriu-${process.pid}-${Bun.nanoseconds()}`;
  readonly #path = `${this.scratch.path}:${process.env.PATH}`;

  private constructor(readonly argv: readonly string[]) {}

  /** A bundle whose program counts, in a tmpfs, for as long as it lives. */
  static async make(change: (spec: Spec) => void = () => {}): Promise<Container> {
    const it = new Container(await binary());
    const root = it.scratch.file("rootfs");
    for (const dir of ["bin", "dev", "proc", "sys", "tmp"]) mkdirSync(`${root}/${dir}`, { recursive: true });
    copyFileSync(busybox ?? "", `${root}/bin/busybox`);
    for (const name of ["sh", "sleep", "cat"]) symlinkSync("busybox", `${root}/bin/${name}`);
    // what runc calls criu
    writeFileSync(it.scratch.file("criu"), `#!/bin/sh\nexec ${it.argv.join(" ")} "$@"\n`, { mode: 0o755 });
    it.runc("spec");
    const spec: Spec = JSON.parse(readFileSync(it.scratch.file("config.json"), "utf8"));
    spec.process.terminal = false;
    spec.process.args = ["/bin/sh", "-c", "n=0; while :; do n=$((n+1)); echo $n >/tmp/count; sleep 0.02; done"];
    const kinds = ["pid", "network", "ipc", "uts", "mount"];
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => kinds.includes(type));
    spec.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"] });
    change(spec);
    writeFileSync(it.scratch.file("config.json"), JSON.stringify(spec));
    return it;
  }

  /** Standard output; throws with what was said when it fails. */
  runc(...words: string[]): string {
    const options = { cwd: this.scratch.path, env: { ...process.env, PATH: this.#path } };
    const done = Bun.spawnSync(["runc", ...words], { ...options, stdin: "ignore" });
    if (done.exitCode !== 0) throw new Error(`runc ${words[0]}: ${done.stderr.toString()}${this.#log()}`);
    return done.stdout.toString();
  }

  /** Detached: it must not hold our files, which lie outside of it. */
  start(...words: string[]): void {
    const script = `exec runc --log complained "$@" </dev/null >/dev/null 2>&1`;
    const options = { cwd: this.scratch.path, env: { ...process.env, PATH: this.#path } };
    const done = Bun.spawnSync(["sh", "-c", script, "sh", ...words, this.id], options);
    if (done.exitCode !== 0)
      throw new Error(`runc ${words[0]}: ${readFileSync(this.scratch.file("complained"), "utf8")}${this.#log()}`);
  }

  /** Begins it; false, and said to be skipped with runc's own words, where none runs. */
  runs(...options: string[]): boolean {
    try {
      this.start("run", "--detach", ...options);
      return true;
    } catch (error) {
      console.log(`skipped a container of runc, which starts none here: ${String(error).replaceAll("\n", " ")}`);
      return false;
    }
  }

  #log(): string {
    const logs = ["dump.log", "restore.log"]
      .map((name) => this.scratch.file(`work/${name}`))
      .filter((path) => existsSync(path));
    return logs.map((path) => readFileSync(path, "latin1").slice(-1500)).join("\n");
  }

  get pid(): number {
    return JSON.parse(this.runc("state", this.id)).pid;
  }

  get count(): number {
    return countOf(this.pid);
  }

  /** It counts on from there. */
  async counts(from: number): Promise<void> {
    const { pid } = this;
    await until("it does not count on", () =>
      countOf(pid) > from + 2 ? undefined : `${countOf(pid)}, it was ${from}`,
    );
  }

  mounts(): string[] {
    const text = readFileSync(`/proc/${this.pid}/mountinfo`, "latin1");
    // what runc binds of cgroups and of /dev/null at a restore is its own choice
    const own = mountTable(text, (kind) => kind).filter(
      ({ place }) => !/cgroup|^\/proc\/(keys|timer_list|latency_stats)/.test(place),
    );
    return own.map(({ place, what }) => `${place} ${what}`);
  }

  get images(): string[] {
    return ["--image-path", this.scratch.file("images"), "--work-path", this.scratch.file("work")];
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(["runc", "delete", "--force", this.id]);
    this.scratch[Symbol.dispose]();
  }
}

/** What the session keyring of a process is called, where that can be seen. */
function sessionOf(pid: number): string | undefined {
  return readKeys(0).get(sessionInside(pid) ?? 0)?.description;
}

interface Spec {
  hostname?: string;
  process: { terminal: boolean; args: string[] };
  root: { readonly: boolean };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  linux: {
    namespaces: { type: string; path?: string }[];
    resources: Record<string, unknown>;
    uidMappings?: { containerID: number; hostID: number; size: number }[];
    gidMappings?: { containerID: number; hostID: number; size: number }[];
  };
}

describe("runc", () => {
  if (process.getuid?.() !== 0 || runc === null || busybox === null) {
    test.skip("checkpoints and restores (they need root, runc and busybox)", () => {});
    return;
  }

  test.each([true, false])(
    "a container is saved, gone, and brought back, its root read-only: %p",
    async (readonly) => {
      using container = await Container.make((spec) => {
        spec.root.readonly = readonly;
      });
      if (!container.runs()) return;
      await container.counts(0);
      const [mounts, cgroup] = [container.mounts(), readFileSync(`/proc/${container.pid}/cgroup`, "latin1")];
      const keyring = sessionOf(container.pid);
      for (let round = 0; round < 2; round++) {
        const { count } = container;
        container.runc("checkpoint", ...container.images, container.id);
        expect(() => container.runc("state", container.id)).toThrow("does not exist");
        container.start("restore", "--detach", ...container.images);
        await container.counts(count);
        expect(container.mounts()).toEqual(mounts);
        expect(sessionOf(container.pid)).toBe(keyring);
        expect(readFileSync(`/proc/${container.pid}/cgroup`, "latin1")).toBe(cgroup);
        expect(container.runc("exec", container.id, "cat", "/proc/1/comm")).toBe("sh\n");
      }
    },
    testTime,
  );

  test(
    "a container that is left running counts on",
    async () => {
      using container = await Container.make();
      if (!container.runs()) return;
      await container.counts(0);
      const { count, pid } = container;
      container.runc("checkpoint", "--leave-running", ...container.images, container.id);
      // runc's init had threads before it became the container's
      expect(readFileSync(container.scratch.file("work/dump.log"), "latin1")).not.toContain("Warn ");
      expect(container.pid).toBe(pid);
      await container.counts(count);
    },
    testTime,
  );

  test(
    "a container with a terminal, which is its console: a new one is given to it",
    async () => {
      using container = await Container.make((spec) => {
        spec.process.terminal = true;
        const answer = "read line; echo answer to $line; : >/dev/console";
        spec.process.args = ["/bin/sh", "-c", `n=0; while :; do n=$((n+1)); echo $n >/tmp/count; ${answer}; done`];
      });
      using console = new ConsoleSocket(container.scratch.file("console"));
      const options = ["--console-socket", console.path];
      if (!container.runs(...options)) return;
      console.take();
      const asks = async (text: string) => {
        console.say(`${text}\n`);
        let heard = "";
        await until(`it does not answer ${text}`, () => {
          heard += console.hear();
          return heard.includes(`answer to ${text}`) ? undefined : heard;
        });
      };
      await asks("one");
      expect(container.mounts().join("\n")).toContain("/dev/console");
      for (const round of ["two", "three"]) {
        const before = container.mounts();
        container.runc("checkpoint", ...container.images, container.id);
        container.start("restore", "--detach", ...options, ...container.images);
        console.take();
        await asks(round);
        expect(container.mounts()).toEqual(before);
      }
    },
    testTime,
  );

  test(
    "a client outside stays connected to a server inside; files and directories of the host are mounted in it",
    async () => {
      using host = new Scratch();
      const port = freePort();
      mkdirSync(host.file("data"));
      writeFileSync(host.file("data/file"), "of the host");
      using container = await Container.make((spec) => {
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
        const server = `busybox nc -l -p ${port} -e cat; sleep 1000000`;
        spec.process.args = ["/bin/busybox", "sh", "-c", server];
        for (const destination of ["/data", "/one"]) {
          const source = host.file(destination === "/data" ? "data" : "data/file");
          spec.mounts.push({ destination, type: "bind", source, options: ["bind", "ro"] });
        }
      });
      if (!container.runs()) return;
      const client = await Client.connect(port);
      await client.asks("before");
      const seen = () => container.runc("exec", container.id, "cat", "/data/file", "/one");
      expect(seen()).toBe("of the hostof the host");
      const mounts = container.mounts();
      for (const round of ["once", "twice"]) {
        container.runc("checkpoint", "--tcp-established", ...container.images, container.id);
        container.start("restore", "--detach", "--tcp-established", ...container.images);
        await client.asks(round);
        expect(seen()).toBe("of the hostof the host");
        expect(container.mounts()).toEqual(mounts);
      }
      expect(client.heard).toBe("beforeoncetwice");
      client.end();
    },
    testTime,
  );

  test(
    "a container in a user namespace comes back: root inside, nobody outside",
    async () => {
      using container = await Container.make((spec) => {
        spec.linux.namespaces.push({ type: "user" });
        spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        spec.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
      });
      chmodSync(container.scratch.path, 0o711);
      Bun.spawnSync(["chown", "-R", "100000:200000", container.scratch.file("rootfs")]);
      if (!container.runs()) return;
      await container.counts(0);
      const [mounts, inside] = [container.mounts(), () => container.runc("exec", container.id, "cat", ...IDENTITY)];
      const ids = (pid: number) => readFileSync(`/proc/${pid}/status`, "latin1").match(/^[UG]id:.*$/gm);
      const [before, outside] = [inside(), ids(container.pid)];
      expect(outside?.[0]).toContain("100000");
      for (let round = 0; round < 2; round++) {
        const { count } = container;
        container.runc("checkpoint", ...container.images, container.id);
        container.start("restore", "--detach", ...container.images);
        await container.counts(count);
        expect(container.mounts()).toEqual(mounts);
        expect(ids(container.pid)).toEqual(outside);
        expect(inside()).toBe(before);
      }
    },
    testTime,
  );

  test(
    "a container in a cgroup namespace and in others' namespaces comes back to these and to its cgroup, with what limits it",
    async () => {
      const other = Bun.spawn(["unshare", "--net", "--ipc", "--uts", "sleep", "1000"]);
      using _other = { [Symbol.dispose]: () => other.kill("SIGKILL") };
      const shared = { network: "net", ipc: "ipc", uts: "uts" };
      const links = (pid: number) => Object.values(shared).map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
      const ownLinks = links(process.pid);
      await until("it has no namespaces yet", () =>
        links(other.pid).some((link) => ownLinks.includes(link)) ? "they are ours" : undefined,
      );
      using container = await Container.make((spec) => {
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => !(type in shared));
        for (const [type, name] of Object.entries(shared))
          spec.linux.namespaces.push({ type, path: `/proc/${other.pid}/ns/${name}` });
        delete spec.hostname;
        spec.linux.namespaces.push({ type: "cgroup" });
        spec.linux.resources = { pids: { limit: 99 }, memory: { limit: 1 << 28 }, cpu: { shares: 333 } };
      });
      if (!container.runs()) return;
      await container.counts(0);
      const limits = () => container.runc("exec", container.id, "sh", "-c", LIMITS);
      const [before, mounts] = [limits(), container.mounts()];
      expect(before).toContain("99");
      for (let round = 0; round < 2; round++) {
        const { count } = container;
        container.runc("checkpoint", ...container.images, container.id);
        container.start("restore", "--detach", ...container.images);
        await container.counts(count);
        expect(limits()).toBe(before);
        expect(container.mounts()).toEqual(mounts);
        expect(links(container.pid)).toEqual(links(other.pid));
      }
    },
    testTime,
  );
});

/** Takes over what a runtime sends to its console socket: the master of a terminal. */
class ConsoleSocket implements Disposable {
  readonly #listener = makeSocket(AF.UNIX, SOCK_STREAM);
  #master = -1;

  constructor(readonly path: string) {
    check(tryBind(this.#listener, unixAddress(path)), "cannot bind", { path });
    listen(this.#listener, 4);
  }

  /** The next one; the one before is let go. */
  take(): void {
    const from = accept(this.#listener);
    const got = tryReceive(from, new Uint8Array(4096), 0);
    closeFd(from);
    const [fd] = typeof got === "number" ? [] : got.rights;
    if (fd === undefined) throw new Error("no terminal was sent");
    if (this.#master >= 0) closeFd(this.#master);
    this.#master = fd;
    const F_SETFL = 4;
    sys(NR.fcntl, fd, F_SETFL, O.NONBLOCK);
  }

  say(text: string): void {
    writeSync(this.#master, text);
  }

  /** What is there to read. */
  hear(): string {
    const into = new Uint8Array(4096);
    const size = sys(NR.read, this.#master, addressOf(into), into.length);
    return Buffer.from(into.subarray(0, Math.max(0, size))).toString();
  }

  [Symbol.dispose](): void {
    for (const fd of [this.#listener, this.#master]) if (fd >= 0) closeFd(fd);
  }
}

const IDENTITY = ["/proc/1/uid_map", "/proc/1/gid_map", "/proc/1/setgroups"];
/** What the tree sees of its cgroups: the namespace begins where it lives. */
const LIMITS =
  "cat /proc/1/cgroup; cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes cpu/cpu.shares pids.max memory.max cpu.weight 2>/dev/null; true";
