/** A container with namespaces of every kind, on a small machine of its own: a network, mounts and ipc objects that nobody else is in. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { binary } from "../../lib/binary.ts";
import { Keeper } from "../../lib/keeper.ts";
import { treeOf } from "../../lib/snapshot.ts";
import { cProgram } from "./programs.ts";
import { Scratch, until } from "./victim.ts";

/** Processes of one. */
export const PROCESSES = 4;
const NAME = "container";
const repository = join(import.meta.dir, "..", "..", "..");

export interface Form {
  /** It has a user namespace, to which the others belong. */
  readonly user?: boolean;
  /** An overlay is mounted in it. */
  readonly overlay?: boolean;
  /** A cgroup that it lives in. */
  readonly cgroup?: string | undefined;
}

/** Why there can be none here, or undefined. */
export function containersMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root";
  for (const [word, name] of [
    ["ip", "iproute2"],
    ["nft", "nftables"],
    ["unshare", "util-linux"],
  ] as const)
    if (Bun.which(word) === null) return `there is no ${word} (Debian: ${name})`;
  return undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** What /proc/PID/status says; "" for one that is gone. */
const status = (pid: number, name: string) =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? "";

/** What the container's root runs as long as it has the machine's programs at hand. */
function setup(root: string, { overlay }: Form): string {
  const over = `lowerdir=${root}/lower,upperdir=${root}/upper,workdir=${root}/work`;
  return `cd ${root}; hostname boxed; mount --rbind ${root} ${root}; cd ${root}
    mount -t tmpfs -o size=4m,mode=1777 own tmp; mkdir -m 750 tmp/dir; echo text >tmp/dir/file; ln tmp/dir/file tmp/second
    ln -s dir/file tmp/link; mkfifo tmp/fifo
    mount -t proc proc proc; mount -t devpts -o newinstance,ptmxmode=666,mode=620 pts dev/pts; mount --bind data/in bound
    mount -t mqueue queues dev/mqueue
    ${overlay ? `mount -t overlay over -o ${over} over` : "rmdir over"}
    ip link set lo up; ip link add br0 type bridge; ip link add dum0 type dummy 2>/dev/null || ip link add dum0 type bridge; ip link set dum0 up; ip link set eth0 master br0
    ip link set eth0 up; ip link set br0 up; ip addr add 10.99.0.1/24 dev br0; ip route add 10.98.0.0/16 via 10.99.0.2
    echo 1 >/proc/sys/net/ipv4/conf/dum0/forwarding; echo 123 >/proc/sys/net/ipv4/neigh/br0/delay_first_probe_time || true
    nft add table inet own; nft add chain inet own in '{ type filter hook input priority 0; }'
    nft add rule inet own in tcp dport 9 drop
    pivot_root . old; cd /; exec </dev/null >/out 2>&1; exec /container /ready`;
}

export class Container implements AsyncDisposable {
  readonly root: string;
  readonly images: string;
  /** Address and number of the counters. */
  counters: { readonly address: number; readonly count: number } = { address: 0, count: 0 };
  /** The keeper's pid: the machine's mounts, network and ipc objects are those that it sees. */
  machine = 0;

  private constructor(
    readonly keeper: Keeper,
    readonly scratch: Scratch,
    readonly form: Form,
  ) {
    this.root = scratch.file("root");
    this.images = scratch.file("images");
  }

  static async start(form: Form): Promise<Container> {
    const scratch = new Scratch();
    // temporary files are its own, but for what we made there, and for what we need where we live among them
    const lives = ["/tmp", "/run", "/dev/shm"];
    const needed = [repository, ...(await binary()).filter((word) => word.startsWith("/")).map(dirname)];
    const among = needed.filter((path) => lives.some((one) => path.startsWith(`${one}/`)));
    const kept = [...new Set([...among, scratch.path])].toSorted().map((path, i) => ({ path, fd: 9 - i }));
    const own = lives.map((one) => `mount -t tmpfs -o mode=1777 none ${one}`);
    const back = kept.map(({ path, fd }) => `mkdir -p ${path}; mount -c --bind /proc/self/fd/${fd} ${path}`);
    const [open, close] = [kept.map(({ path, fd }) => `${fd}<${path}`), kept.map(({ fd }) => `${fd}<&-`)];
    const keep = [`exec ${open.join(" ")}`, ...own, ...back, `exec ${close.join(" ")}`].join("; ");
    const lie = `ip link set lo up; ${keep}`;
    const through = ["unshare", "--mount", "--net", "--ipc", "--uts", "sh", "-ec", `${lie}; exec "$0" "$@"`];
    const container = new Container(await Keeper.start(undefined, through), scratch, form);
    try {
      await container.#begin();
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
    return container;
  }

  async #begin(): Promise<void> {
    const { root, scratch, keeper, form } = this;
    for (const name of [
      "dev/pts",
      "dev/mqueue",
      "proc",
      "old",
      "tmp",
      "data/in",
      "bound",
      "over",
      "lower",
      "upper",
      "work",
    ])
      mkdirSync(`${root}/${name}`, { recursive: true });
    mkdirSync(this.images);
    writeFileSync(`${root}/data/in/file`, "bound");
    writeFileSync(`${root}/lower/low`, "low");
    Bun.spawnSync(["mknod", "-m", "666", `${root}/dev/null`, "c", "1", "3"]);
    copyFileSync(cProgram("victims/container.c", "-static"), `${root}/${NAME}`);
    const kinds = ["mount", "net", "ipc", "uts", "cgroup", "pid"].map((name) => `--${name}`);
    const user = form.user ? ["--user", "--map-root-user"] : [];
    const clocks = form.user ? [] : ["--time", "--boottime", "100000"];
    const wait = `until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done`;
    const inner = ["setsid", "sh", "-ec", `${wait}; ${setup(root, form)}`];
    const enter = form.cgroup === undefined ? "" : `echo $$ >${form.cgroup}/cgroup.procs; `;
    const outer = await keeper.run({
      argv: ["sh", "-ec", `${enter}exec "$@"`, "sh", "unshare", "--fork", ...user, ...clocks, ...kinds, ...inner],
      directory: "/",
      output: scratch.file("out"),
      session: true,
    });
    this.machine = Number(status(outer, "PPid"));
    const said = () => read(scratch.file("out")) + read(`${root}/out`);
    await until("the container's namespaces are not there", () => {
      const [first] = treeOf(outer).slice(1);
      return first !== undefined && status(first, "Name") === "sh" ? undefined : said();
    });
    const [first = 0] = treeOf(outer).slice(1);
    this.inside(this.machine, [
      "ip",
      "link",
      "add",
      "box",
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      `${first}`,
    ]);
    await until("the container is not ready", () => (/\n$/.test(read(`${root}/ready`)) ? undefined : said()));
    const [address = "0", count = "0"] = read(`${root}/ready`).trim().split(" ");
    rmSync(`${root}/ready`);
    this.counters = { address: Number.parseInt(address, 16), count: Number(count) };
  }

  /** A command in the network and mounts of a process. */
  inside(pid: number, words: readonly string[]): string {
    const done = Bun.spawnSync(["nsenter", `--target=${pid}`, "--net", "--mount", "--ipc", "--", ...words]);
    if (done.exitCode !== 0) throw new Error(`${words.join(" ")}: ${done.stderr}`);
    return done.stdout.toString();
  }

  /** Its processes, init first. */
  get pids(): number[] {
    return this.machine === 0 ? [] : treeOf(this.machine).filter((pid) => status(pid, "Name") === NAME);
  }

  /** All of it is there, and nobody has a hand on it. */
  get isWhole(): boolean {
    const { pids } = this;
    return pids.length === PROCESSES && pids.every((pid) => status(pid, "TracerPid") === "0");
  }

  get init(): number {
    const [init] = this.pids;
    if (init === undefined) throw new Error(`the container is gone: ${read(`${this.root}/out`)}`);
    return init;
  }

  /** What the container sees, of which nothing may change. */
  view(): string {
    const { init } = this;
    const mounts = read(`/proc/${init}/mountinfo`)
      .split("\n")
      .map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, ""));
    const of = (words: string[]) => Bun.spawnSync(["nsenter", `--target=${init}`, "--net", "--ipc", ...words]).stdout;
    const links = of(["ip", "-o", "addr"])
      .toString()
      .replace(/( tentative| nodad| noprefixroute|valid_lft.*)/g, "");
    const tables = of(["nft", "list", "ruleset"]).toString();
    return [...mounts.toSorted(), links, tables, of(["ip", "route"])].join("\n");
  }

  /** Everything on the machine that a run of tscriu could leave something in; the container's own part left out. */
  around(): string {
    const { machine } = this;
    const commands = "ip -o link; nft list tables; cut -c1-40 /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem";
    const seen = this.inside(machine, ["sh", "-c", `${commands}; ls -A /tmp /dev/shm /dev/mqueue /run; hostname`]);
    // an interface's flags and queue follow its other end
    return [seen.replace(/<.*$/gm, ""), this.nearby()].join("\n");
  }

  /** The part of that which is seen without any help. */
  nearby(): string {
    const { machine } = this;
    const own = new Set(this.pids);
    const processes = treeOf(machine).filter((pid) => !own.has(pid) && pid !== machine && status(pid, "State") !== "");
    const names = processes.map((pid) => status(pid, "Name")).filter((name) => name !== "unshare");
    const mounts = read(`/proc/${machine}/mountinfo`);
    const { cgroup } = this.form;
    const groups = cgroup === undefined ? "" : `${existsSync(cgroup)}`;
    return [names.join(" "), mounts, groups, this.files()].join("\n");
  }

  /** The container's root on the disk, and what lies beside it. */
  files(): string {
    const all = readdirSync(this.root, { recursive: true, encoding: "utf8" });
    return [...all, ...readdirSync(this.scratch.path)]
      .filter((name) => !/^said|^struck/.test(name))
      .toSorted()
      .join("\n");
  }

  /** Ends it. */
  async end(): Promise<void> {
    if (this.pids.length > 0) process.kill(this.init, "SIGKILL");
    await until("the container does not end", () => (this.pids.length === 0 ? undefined : this.pids.join(" ")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}
