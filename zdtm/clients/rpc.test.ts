/** RPC, spoken by our own client to the finished executable: a worker of our own, and the service. */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { CriuReqType } from "../../src/image/schema.gen.ts";
import { closeFd } from "../../src/kernel/fd.ts";
import { adopting, reap } from "../../src/kernel/proc/victim.testing.ts";
import { makeSocketPair } from "../../src/kernel/socket.ts";
import { AF, SOCK } from "../../src/kernel/uapi/socket.ts";
import { Client, type Notification, type Options, RequestFailed } from "../../src/rpc/client.ts";
import { Connection } from "../../src/rpc/connection.ts";
import { binary } from "../lib/binary.ts";
import { Keeper } from "../lib/keeper.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const ESRCH = 3;
const [EBADRQC, EEXIST, ENOTSUP, EPERM] = [56, 17, 95, 1];

/** A place with a victim in it and an open images directory. */
class Stage implements AsyncDisposable {
  readonly scratch = new Scratch();
  readonly images = this.scratch.file("images");
  readonly dir: number;
  pid = 0;

  private constructor(readonly keeper: Keeper) {
    mkdirSync(this.images);
    this.dir = openSync(this.images, "r");
  }

  static async set(): Promise<Stage> {
    const stage = new Stage(await Keeper.start());
    const output = stage.scratch.file("out");
    stage.pid = await stage.keeper.run({ argv: ["sleep", "1000000"], directory: "/", output, session: true });
    await until("no sleep", () => (stage.comm === "sleep" ? undefined : stage.comm));
    return stage;
  }

  get comm(): string {
    return this.alive ? readFileSync(`/proc/${this.pid}/comm`, "latin1").trim() : "";
  }

  get alive(): boolean {
    return existsSync(`/proc/${this.pid}/exe`);
  }

  get options(): Options {
    return { images_dir_fd: this.dir, log_level: 4 };
  }

  log(name: string): string {
    return readFileSync(`${this.images}/${name}`, "latin1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.dir);
    await this.keeper[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}

const worker = async () => Client.start(...(await binary()));

function failure(act: () => unknown): RequestFailed {
  try {
    act();
  } catch (error) {
    if (error instanceof RequestFailed) return error;
    throw error;
  }
  throw new Error("the request succeeded");
}

async function endRestored(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  reap(pid);
}

describe("rpc", () => {
  test("VERSION, FEATURE_CHECK and an unknown request, on one connection", async () => {
    using client = await worker();
    expect(client.version()).toMatchObject({ major_number: 4, minor_number: 2, sublevel: 0 });
    expect(client.version().gitid).toBeUndefined();
    expect(client.version().name).toMatch(/^tscriu \d/);
    const features = client.features({ lazy_pages: true });
    expect(features.mem_track).toBe(false);
    const refused = failure(() => client.request({ type: 99 }));
    expect(refused.response).toMatchObject({ type: 0, success: false, cr_errno: EBADRQC });
    await client.worker?.exited;
    expect(client.worker?.exitCode).toBe(1);
  });

  test("VERSION alone, as runtimes ask before each of their own requests", async () => {
    const [ours, theirs] = makeSocketPair(AF.UNIX, SOCK.SEQPACKET);
    // too little room for a runtime: none is started to say it
    const command = ["sh", "-c", `ulimit -v 300000; exec "$@"`, "sh", ...(await binary()), "swrk", "3"];
    const asked = Bun.spawn(command, { stdio: ["ignore", "inherit", "inherit", theirs] });
    closeFd(theirs);
    using connection = new Connection(ours);
    connection.ask({ type: CriuReqType.VERSION });
    const answer = connection.response()?.response;
    using client = await worker();
    expect(answer).toMatchObject({ type: CriuReqType.VERSION, success: true });
    expect(answer?.version).toEqual(client.version());
    expect(await asked.exited).toBe(0);
  });

  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }

  test("CHECK", async () => {
    using client = await worker();
    client.check();
    await client.worker?.exited;
    expect(client.worker?.exitCode).toBe(0);
  });

  test("DUMP and RESTORE by a worker, with every notification", async () => {
    await using stage = await Stage.set();
    using _adopted = adopting();
    const heard: Notification[] = [];
    const listener = (notification: Notification) => {
      heard.push(notification);
      return true;
    };
    using dumping = await worker();
    dumping.dump({ ...stage.options, pid: stage.pid, log_file: "dump.log" }, listener);
    await until("it lives", () => (stage.alive ? "alive" : undefined));
    expect(heard.map(({ script }) => script)).toEqual(["pre-dump", "query-ext-files", "post-dump"]);
    expect(stage.log("dump.log")).toContain("Version: 4.2");
    expect(existsSync(`${stage.images}/stats-dump`)).toBe(true);
    heard.length = 0;
    using restoring = await worker();
    const pid = restoring.restore(stage.options, listener);
    expect(pid).toBe(stage.pid);
    expect(stage.comm).toBe("sleep");
    expect(heard.map(({ script }) => script)).toEqual(["pre-restore", "post-restore", "pre-resume", "post-resume"]);
    expect(heard.find(({ script }) => script === "post-restore")?.pid).toBe(pid);
    // the log's name when none is given
    expect(stage.log("criu.log")).toContain("Restored 1 tasks");
    await restoring.worker?.exited;
    await endRestored(pid);
  });

  test("as go-criu asks: any descriptor, a worker for each request, answers of 8 KiB, statistics beside the images", async () => {
    await using stage = await Stage.set();
    using _adopted = adopting();
    // the number that the socket happens to have in the client
    const renumber = `exec 77<&3 3<&-; set -- "\${@:1:$#-1}"; exec "$@" 77`;
    const start = async () => Client.start("bash", "-c", renumber, "bash", ...(await binary()));
    const ask = async <T>(act: (client: Client) => T): Promise<T> => {
      using client = await start();
      return act(client);
    };
    expect(await ask((client) => client.request({ type: CriuReqType.VERSION }).version)).toMatchObject({
      major_number: 4,
      minor_number: 2,
    });
    const features = { mem_track: true, lazy_pages: true, pidfd_store: true };
    const found = await ask((client) => client.request({ type: CriuReqType.FEATURE_CHECK, features }).features);
    expect(Object.keys(found ?? {}).sort()).toEqual(Object.keys(features).sort());
    const heard: string[] = [];
    const listener = ({ script }: Notification) => heard.push(script) > 0;
    const opts = {
      ...stage.options,
      log_file: "dump.log",
      tcp_established: true,
      file_locks: true,
      ghost_limit: 1 << 20,
    };
    await ask((client) => client.dump({ ...opts, pid: stage.pid, leave_running: true }, listener));
    await ask((client) => client.dump({ ...opts, pid: stage.pid }, listener));
    await until("it lives", () => (stage.alive ? "alive" : undefined));
    const pid = await ask((client) => client.restore({ ...opts, log_file: "restore.log" }, listener));
    for (const one of ["pre-dump", "post-dump", "pre-restore", "post-restore"]) expect(heard).toContain(one);
    for (const [file, name] of [
      ["stats-dump", "dump"],
      ["stats-restore", "restore"],
    ] as const) {
      const said = Bun.spawnSync([...(await binary()), "crit", "decode", "-i", `${stage.images}/${file}`]).stdout;
      expect(Object.keys(JSON.parse(said.toString()).entries[0])).toContain(name);
    }
    const nowhere = `${stage.images}/${"x".repeat(200)}`;
    const long = Array.from({ length: 60 }, (_, i) => `${nowhere}${i}`).join("/");
    const refused = await ask((client) =>
      failure(() => client.dump({ ...opts, images_dir_fd: -1, images_dir: long, pid })),
    );
    expect(refused.message.length).toBeLessThan(8000);
    await endRestored(pid);
  });

  test("a client that objects: the tree runs on, the half restored one is gone", async () => {
    await using stage = await Stage.set();
    using _adopted = adopting();
    using first = await worker();
    const no = (at: string) => (notification: Notification) => notification.script !== at;
    expect(failure(() => first.dump({ ...stage.options, pid: stage.pid }, no("post-dump"))).message).toMatch(
      /post-dump/,
    );
    expect(stage.alive).toBe(true);
    using second = await worker();
    second.dump({ ...stage.options, pid: stage.pid, leave_running: true });
    expect(stage.alive).toBe(true);
    using third = await worker();
    const taken = failure(() => third.restore(stage.options));
    expect(taken.errno).toBe(EEXIST);
    expect(taken.message).toMatch(/pid/);
    expect(stage.alive).toBe(true);
  });

  test("rst_sibling: the restored root is the client's child", async () => {
    await using stage = await Stage.set();
    using first = await worker();
    first.dump({ ...stage.options, pid: stage.pid });
    using second = await worker();
    const pid = second.restore({ ...stage.options, rst_sibling: true });
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    expect(Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0])).toBe(process.pid);
    await endRestored(pid);
  });

  test("errors: no such process, options that mean nothing, what is not there yet", async () => {
    await using stage = await Stage.set();
    const ask = async (options: Options) => {
      using client = await worker();
      return failure(() => client.dump({ ...stage.options, ...options }));
    };
    expect((await ask({ pid: 4194303 })).errno).toBe(ESRCH);
    expect((await ask({ pid: stage.pid, log_file: "../x" })).errno).toBe(EBADRQC);
    expect((await ask({ pid: stage.pid, images_dir_fd: 9999 })).message).toMatch(/images directory/);
    expect((await ask({ pid: stage.pid, images_dir_fd: -1 })).errno).toBe(EBADRQC);
    expect((await ask({ pid: stage.pid, track_mem: true })).errno).toBe(ENOTSUP);
    const later = [CriuReqType.PRE_DUMP, CriuReqType.SINGLE_PRE_DUMP, CriuReqType.PAGE_SERVER];
    for (const type of [...later, CriuReqType.PAGE_SERVER_CHLD]) {
      using client = await worker();
      const opts = { images_dir_fd: stage.dir, pid: stage.pid };
      const { response, errno } = failure(() => client.request({ type, opts }));
      expect([response.type, errno]).toEqual([type, ENOTSUP]);
    }
    expect(stage.alive).toBe(true);
  });

  test("a configuration file counts after the request", async () => {
    await using stage = await Stage.set();
    const file = stage.scratch.file("conf");
    writeFileSync(file, "leave-running\n");
    using client = await worker();
    client.dump({ ...stage.options, pid: stage.pid, config_file: file });
    expect(stage.alive).toBe(true);
  });

  test("a client without a worker or a service: an error that says so, and nothing stays open", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    expect(() => Client.start("/nowhere/tscriu")).toThrow("cannot start a worker");
    const before = open();
    expect(() => Client.start("/nowhere/tscriu")).toThrow("cannot start a worker");
    expect(() => Client.connect("/nowhere/socket")).toThrow("cannot reach the service");
    expect(open()).toBe(before);
  });

  test("its directories and its log do, too: an administrator sends there what a runtime sends elsewhere", async () => {
    await using stage = await Stage.set();
    const [file, images, work] = ["conf", "other-images", "other-work"].map((name) => stage.scratch.file(name));
    if (file === undefined || images === undefined || work === undefined) return;
    for (const dir of [images, work]) mkdirSync(dir);
    writeFileSync(file, `images-dir ${images}\nwork-dir ${work}\nlog-file ${work}/other.log\nverbosity 4\n`);
    using client = await worker();
    const options = { work_dir_fd: stage.dir, log_file: "mine.log", log_level: 1, config_file: file };
    client.dump({ ...stage.options, ...options, pid: stage.pid, leave_running: true });
    expect(readdirSync(stage.images)).toEqual([]);
    expect(readdirSync(work).sort()).toEqual(["other.log", "stats-dump"]);
    expect(readFileSync(`${work}/other.log`, "latin1")).toContain("Saved 1 tasks");
    expect(existsSync(`${images}/inventory.img`)).toBe(true);
  });

  test("exec_cmd: the worker becomes the program, its output goes to the log", async () => {
    await using stage = await Stage.set();
    using _adopted = adopting();
    using first = await worker();
    first.dump({ ...stage.options, pid: stage.pid });
    using second = await worker();
    const pid = second.restore({ ...stage.options, log_file: "r.log", exec_cmd: ["sh", "-c", "echo became $$"] });
    await second.worker?.exited;
    expect(stage.log("r.log")).toContain(`became ${second.worker?.pid}`);
    await endRestored(pid);
  });

  test("a worker without descriptors 0 to 2", async () => {
    await using stage = await Stage.set();
    const closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", ...(await binary())];
    using client = Client.start(...closing);
    client.dump({ ...stage.options, pid: stage.pid, leave_running: true, log_file: "dump.log" });
    expect(stage.log("dump.log")).toContain("Saved 1 tasks");
    expect(existsSync(`${stage.images}/inventory.img`)).toBe(true);
  });

  test("the service: in the background, several clients, and rights", async () => {
    await using stage = await Stage.set();
    chmodSync(stage.scratch.path, 0o755);
    const address = stage.scratch.file("socket");
    const pidfile = stage.scratch.file("pid");
    const words = [
      ...(await binary()),
      "service",
      "--address",
      address,
      "--pidfile",
      pidfile,
      "-d",
      "-o",
      "service.log",
    ];
    const started = Bun.spawnSync(words, { cwd: stage.scratch.path, stderr: "pipe" });
    expect(started.stderr.toString()).toBe("");
    expect(started.exitCode).toBe(0);
    const daemon = Number(readFileSync(pidfile, "latin1"));
    try {
      expect(statSync(address).mode & 0o777).toBe(0o666);
      using one = Client.connect(address);
      using two = Client.connect(address);
      expect(two.version().major_number).toBe(4);
      one.dump({ ...stage.options, pid: stage.pid, leave_running: true });
      expect(stage.alive).toBe(true);
      using three = Client.connect(address);
      expect(failure(() => three.restore({ ...stage.options, rst_sibling: true })).errno).toBe(EBADRQC);
      expect(two.version().major_number).toBe(4);
      const asker = new URL("lib/ask.ts", import.meta.url).pathname;
      const other = Bun.spawnSync(
        [
          "setpriv",
          "--reuid=12345",
          "--regid=12345",
          "--clear-groups",
          process.execPath,
          asker,
          address,
          String(stage.pid),
        ],
        { stderr: "pipe" },
      );
      expect(other.stdout.toString().trim()).toBe(`${EPERM}`);
    } finally {
      process.kill(daemon, "SIGTERM");
      // pid 1 takes its time to reap it
      await until("the service ends", () => (existsSync(address) ? "its socket is there" : undefined));
    }
  });

  test("the service: its names lie in the work directory, and what fails is undone and told in its log", async () => {
    using scratch = new Scratch();
    const work = scratch.file("work");
    mkdirSync(work);
    const service = [...(await binary()), "service", "-d", "-W", "work", "-o", "log"];
    const run = (...words: string[]) => {
      const { exitCode, stderr } = Bun.spawnSync([...service, ...words], { cwd: scratch.path, stderr: "pipe" });
      return { exitCode, said: stderr.toString() };
    };
    const log = () => readFileSync(`${work}/log`, "latin1");

    writeFileSync(`${work}/file`, "precious");
    expect(run("--address", "file").exitCode).toBe(1);
    expect(readFileSync(`${work}/file`, "latin1")).toBe("precious");
    expect(log()).toMatch(/Error .*something else where the service's socket goes/);

    const { exitCode, said } = run("--address", "socket", "--pidfile", "gone/pid");
    expect(exitCode).toBe(1);
    expect(said).toMatch(/cannot make the pid file .*gone\/pid/);
    expect(existsSync(`${work}/socket`)).toBe(false);

    expect(run("--address", "socket", "--pidfile", "pid")).toEqual({ exitCode: 0, said: "" });
    const first = Number(readFileSync(`${work}/pid`, "latin1"));
    const refused = run("--address", "socket", "--pidfile", "second");
    expect(refused.exitCode).toBe(1);
    expect(refused.said).toMatch(/somebody answers already .*socket\)/);
    expect(existsSync(`${work}/second`)).toBe(false);
    // a name that leads nowhere any more makes room
    rmSync(`${work}/socket`);
    expect(run("--address", "socket", "--pidfile", "second")).toEqual({ exitCode: 0, said: "" });
    const second = Number(readFileSync(`${work}/second`, "latin1"));
    try {
      process.kill(first, "SIGTERM");
      await until("the first one ends", () => (existsSync(`/proc/${first}/exe`) ? "it is there" : undefined));
      using client = Client.connect(`${work}/socket`);
      expect(client.version().major_number).toBe(4);
    } finally {
      process.kill(second, "SIGKILL");
      await until("the second one ends", () => (existsSync(`/proc/${second}/exe`) ? "it is there" : undefined));
    }
    expect(run("--address", "socket", "--pidfile", "third")).toEqual({ exitCode: 0, said: "" });
    const third = Number(readFileSync(`${work}/third`, "latin1"));
    try {
      using client = Client.connect(`${work}/socket`);
      expect(client.version().major_number).toBe(4);
    } finally {
      process.kill(third, "SIGTERM");
      await until("the third one ends", () => (existsSync(`${work}/socket`) ? "its socket is there" : undefined));
    }
  });
});
