/** Programs that are special as tasks: another user's, a filtered one, one of many threads, a big one. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { awaitPid, EEXIST, pidError } from "../../src/agent/pid-holder.ts";
import { describeStatus } from "../lib/keeper.ts";
import { refusal } from "../unharmed/lib/victim.ts";
import { cProgram } from "./lib/build.ts";
import { isRoot, Stage, testTime, until } from "./lib/stage.ts";
import { ask, makeWire } from "./lib/wire.ts";

const GIB = 2 ** 30;

const noSetpriv = Bun.which("setpriv") === null ? "there is no setpriv (Debian: util-linux)" : undefined;
const noBash = Bun.which("bash") === null ? "there is no bash" : undefined;

const free = (path: string) => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};
/** Where images of four GiB go: memory when there is enough, for a slow disk would be all that this test measures. */
const bigHome = existsSync("/dev/shm") && free("/dev/shm") > 5 * GIB ? "/dev/shm" : tmpdir();

/** Why four GiB are too much here, or undefined. */
function tooSmall(): string | undefined {
  const memory = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1] ?? 0) * 1024;
  if (memory < 10 * GIB) return `needs 10 GiB of free memory, ${(memory / GIB).toFixed(1)} are there`;
  const room = free(bigHome);
  return room < 5 * GIB ? `needs 5 GiB below ${bigHome}, ${(room / GIB).toFixed(1)} are free` : undefined;
}

/** Of /proc/PID/stat, from the state on. */
const stat = (pid: number) => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];

const titled = (name: string, lacking: string | undefined) => (lacking === undefined ? name : `${name} (${lacking})`);

/** A shell of uid 65534 that counts what it is asked. */
async function strangersShell(under: readonly string[]): Promise<void> {
  await using stage = await Stage.open();
  makeWire(stage);
  const script = 'exec 3<>in; n=0; echo ready; while read -r l <&3; do echo "$((++n)) $l $UID"; done';
  const user = ["setpriv", "--reuid=65534", "--regid=65534", "--groups=65534,100", "--bounding-set=-all"];
  const limits = ["bash", "-c", 'ulimit -S -n 512; ulimit -H -n 700; ulimit -c 0; exec "$@"', "limits"];
  const program = await stage.start([...limits, ...user, "--inh-caps=-all", "--no-new-privs", "bash", "-c", script]);
  await program.says(/^ready$/m);
  expect(await ask(stage, program, "a")).toBe("1 a 65534");
  for (const [round, count] of [2, 4].entries()) {
    await program.roundTrip({ under });
    expect(await ask(stage, program, `b${round}`)).toBe(`${count} b${round} 65534`);
    expect(await ask(stage, program, "c")).toBe(`${count + 1} c 65534`);
  }
}

describe.skipIf(!isRoot)("special tasks (needs root)", () => {
  const lacking = noSetpriv ?? noBash;
  test.skipIf(lacking !== undefined)(titled("another user's program", lacking), () => strangersShell([]), testTime);

  test.skipIf(lacking !== undefined)(
    titled("another user's program, when we may not change limits", lacking),
    () => strangersShell(["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]),
    testTime,
  );

  test(
    "a program under a seccomp filter",
    async () => {
      await using stage = await Stage.open();
      makeWire(stage);
      const program = await stage.start([cProgram("filtered")]);
      await program.says(/^ready$/m);
      expect(await ask(stage, program, "")).toBe("1: 77 77");
      await program.roundTrip();
      expect(await ask(stage, program, "")).toBe("2: 77 77");
      await program.roundTrip();
      expect(await ask(stage, program, "")).toBe("3: 77 77");
    },
    testTime,
  );

  test(
    "64 threads that take locks",
    async () => {
      await using stage = await Stage.open();
      makeWire(stage);
      const program = await stage.start([cProgram("locks")], { restless: true });
      await program.says(/^ready$/m);
      const turn = async () => Number(await ask(stage, program, "turn"));
      /** The turn has gone round: every thread got all of its locks. */
      const around = async () => {
        for (const from = await turn(); (await turn()) < from + 128; ) await Bun.sleep(10);
      };
      await around();
      for (let round = 0; round < 2; round++) {
        await program.roundTrip();
        await around();
      }
      expect(await ask(stage, program, "end")).toBe("equal");
      expect(describeStatus(await program.end)).toBe("exit 0");
    },
    testTime,
  );

  test(
    "tasks in a session whose leader lives outside of the tree stay, and come back once it is gone",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start([cProgram("two-sessions")]);
      const [, root = 0, zombie = 0, sleeper = 0] = (await program.says(/^(\d+) (\d+) (\d+)$/m)).map(Number);
      const sessions = () => [root, zombie, sleeper].map((pid) => Number(stat(pid)[3]));
      const was = [root, program.pid, program.pid];
      expect(sessions()).toEqual(was);
      const dump = ["dump", "-t", String(root)];
      const what = "is in a session whose leader lives outside of the tree";
      expect(await refusal(stage.tscriu(stage.nextImages(), dump))).toContain(what);
      // who has no --shell-job is told once, and of that
      const once = await refusal(stage.tscriu(stage.nextImages(), ["dump", "-t", String(sleeper)]));
      expect(once).toContain("is not the leader of its session");
      expect(once).not.toContain(what);
      const images = stage.nextImages();
      await stage.tscriu(images, [...dump, "--leave-running"]);
      const told = `${what}, and is not restored beside it: pid ${zombie}, session ${program.pid}`;
      expect(readFileSync(`${images}/dump.log`, "latin1")).toContain(told);
      expect([...sessions(), stat(zombie)[0]]).toEqual([...was, "Z"]);
      process.kill(program.pid, "SIGKILL");
      await program.end;
      const last = stage.nextImages();
      await stage.tscriu(last, dump);
      await until("the tree is gone", () => (existsSync(`/proc/${root}`) ? undefined : true));
      await stage.tscriu(last, ["restore", "-d"]);
      expect([...sessions(), stat(zombie)[0]]).toEqual([...was, "Z"]);
    },
    testTime,
  );

  const small = tooSmall();
  test.skipIf(small !== undefined)(
    titled("a program that uses 4 GiB", small),
    async () => {
      await using stage = await Stage.open(bigHome);
      makeWire(stage);
      const program = await stage.start([cProgram("big"), "4096"]);
      await program.says(/^ready$/m);
      await program.roundTrip();
      expect(await ask(stage, program, "sum")).toBe("4096 MiB, 0 wrong");
    },
    testTime,
  );
});

test(
  "a pid that names a group is free once the last member is waited for",
  async () => {
    await using stage = await Stage.open();
    const program = await stage.start([cProgram("group")]);
    const [, leader = 0, member = 0] = (await program.says(/^(\d+) (\d+)$/m)).map(Number);
    const called = { numbers: [leader], levels: 0 };
    expect(awaitPid(called, () => EEXIST)).toBe(EEXIST);
    expect(pidError(EEXIST, called).subject).toMatchObject({ pid: leader, member, holder: expect.any(String) });
    process.kill(program.pid, "SIGUSR1");
    await program.says(/^ended$/m);
    expect(awaitPid(called, () => (existsSync(`/proc/${member}`) ? EEXIST : leader))).toBe(leader);
  },
  testTime,
);
