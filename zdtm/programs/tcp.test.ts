/** TCP connections between programs of which each is dumped and restored by itself, or lives outside of any tree. */
import { describe, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";

const established = { words: ["--tcp-established"] };
const rounds = 4;

/** Portions of 16 MiB that a program says it has sent or received. */
const progress = (program: Program) => Number([...program.said.matchAll(/^at (\d+)$/gm)].at(-1)?.[1] ?? 0);

async function movesOn(program: Program): Promise<void> {
  const before = progress(program);
  await until("data flows", () => {
    if (/WRONG/.test(program.said)) throw new Error(program.said.slice(-500));
    return progress(program) > before ? true : undefined;
  });
}

const LOOPBACK = "127.0.0.1";

interface Ends {
  readonly address: string;
  /** What each end is started by, and the tscriu that saves it: networks of their own. */
  readonly sending: readonly string[];
  readonly receiving: readonly string[];
}

const here: Ends = { address: LOOPBACK, sending: [], receiving: [] };

async function transfer(
  act: (sender: Program, receiver: Program) => Promise<void>,
  { address, sending, receiving }: Ends = here,
): Promise<void> {
  await using one = await Stage.open();
  await using other = await Stage.open();
  const bulk = cProgram("bulk");
  const receiver = await one.start([...receiving, bulk, address]);
  const [, port = ""] = await receiver.says(/port (\d+)/);
  const sender = await other.start([...sending, bulk, address, port]);
  await movesOn(receiver);
  await act(sender, receiver);
  process.kill(sender.pid, "SIGTERM");
  expect(await Promise.all([sender.end, receiver.end])).toEqual([0, 0]);
  const [sent, received] = [sender, receiver].map(({ said }) => /sum \d+ of \d+/.exec(said)?.[0]);
  expect(sent).toBeDefined();
  expect(received).toBe(sent);
}

/** A network namespace, as long as the stage lasts: gives the words to run something in it. */
async function network(stage: Stage): Promise<string[]> {
  const program = await stage.start(["unshare", "-n", "--", "sleep", "infinity"]);
  const enter = ["nsenter", `--net=/proc/${program.pid}/ns/net`, "--"];
  await until("the network is another", () =>
    readlinkSync(`/proc/${program.pid}/ns/net`) === readlinkSync("/proc/self/ns/net") ? undefined : true,
  );
  run([...enter, "ip", "link", "set", "lo", "up"]);
  return enter;
}

function run(argv: readonly string[], input = ""): string {
  const done = Bun.spawnSync([...argv], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`${argv.join(" ")}: ${done.stderr.toString()}`);
  return done.stdout.toString();
}

const lacking = ["ip", "nsenter", "unshare", "nft"].find((name) => Bun.which(name) === null);
const titled = (name: string) => (lacking === undefined ? name : `${name} (there is no ${lacking})`);

describe.skipIf(!isRoot)("a bulk transfer (needs root)", () => {
  test(
    "whose ends are dumped and restored one after the other arrives whole",
    () =>
      transfer(async (sender, receiver) => {
        for (let round = 0; round < rounds; round++) {
          for (const one of [sender, receiver]) {
            await one.trip(established);
            await movesOn(receiver);
          }
        }
      }),
    testTime,
  );

  test(
    "whose ends are dumped and restored at the same time arrives whole",
    () =>
      transfer(async (sender, receiver) => {
        for (let round = 0; round < rounds; round++) {
          await Promise.all([sender.trip(established), receiver.trip(established)]);
          await movesOn(receiver);
        }
      }),
    testTime,
  );

  test(
    "with somebody outside goes on behind dumps that leave the program running",
    () =>
      transfer(async (sender, receiver) => {
        for (let round = 0; round < rounds; round++) {
          for (const one of [sender, receiver]) {
            await one.dumpRunning(established);
            await movesOn(receiver);
          }
        }
      }),
    testTime,
  );

  test.skipIf(lacking !== undefined)(
    titled("socket-tcp-nft-nfconntrack: passes a firewall that follows connections, between dump and restore too"),
    async () => {
      await using stage = await Stage.open();
      const under = await network(stage);
      const rules = "ct state established,new accept; tcp sport 1-65535 drop";
      run(
        [...under, "nft", "-f", "-"],
        `table inet wall { chain in { type filter hook input priority 0; ${rules}; }; chain out { type filter hook output priority 0; ${rules}; }; }`,
      );
      await transfer(
        async (sender, receiver) => {
          for (const one of [sender, receiver, sender]) {
            await one.trip({ ...established, under });
            await movesOn(receiver);
          }
        },
        { address: LOOPBACK, sending: under, receiving: under },
      );
      expect(run([...under, "nft", "list", "tables"])).toBe("table inet wall\n");
    },
    testTime,
  );

  test.skipIf(lacking !== undefined)(
    titled("to another host goes on when one end was away"),
    async () => {
      await using stage = await Stage.open();
      await using far = await Stage.open();
      const [near, there] = [await network(stage), await network(far)];
      const other = (there[1] ?? "").replace("--net=", "");
      run([...near, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", other]);
      for (const [under, device, address] of [
        [near, "v0", "10.77.0.1/24"],
        [there, "v1", "10.77.0.2/24"],
      ] as const) {
        run([...under, "ip", "address", "add", address, "dev", device]);
        run([...under, "ip", "link", "set", device, "up"]);
      }
      await transfer(
        async (sender, receiver) => {
          for (let round = 0; round < rounds; round++) {
            await sender.trip({ ...established, under: near });
            await movesOn(receiver);
          }
        },
        { address: "10.77.0.2", sending: near, receiving: there },
      );
      for (const under of [near, there]) expect(run([...under, "nft", "list", "tables"])).toBe("");
    },
    testTime,
  );
});
