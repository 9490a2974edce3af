/** Servers of several makers: they keep their pid, their port, their memory and their timers, and clients come again. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { goIsMissing, goProgram } from "./lib/build.ts";
import { isRoot, type Program, patience, Stage, testTime, until } from "./lib/stage.ts";

const victims = join(import.meta.dir, "victims");
/** What a runtime with a collector and threads of its own changes at any time. */
const runtime = "the runtime's threads come, go and map memory as they like";
const except = { area: runtime, thread: runtime, "status Threads": runtime };

const descriptors = (program: Program) => readdirSync(`/proc/${program.pid}/fd`).length;

/** Does something with clients, and waits until the server has closed its side of their connections. */
async function clients(program: Program, act: () => Promise<void>): Promise<void> {
  const many = descriptors(program);
  await act();
  await until("the connections are closed", () => (descriptors(program) <= many ? true : undefined));
}

async function portOf(program: Program): Promise<number> {
  return Number((await program.says(/port (\d+)/))[1]);
}

async function page(port: number, path: string): Promise<string> {
  const url = `http://127.0.0.1:${port}${path}`;
  const response = await fetch(url, { keepalive: false, signal: AbortSignal.timeout(patience) });
  return response.text();
}

/** A question of one line, over a connection of its own. */
function line(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${question}\n`));
    socket.setTimeout(patience, () => socket.destroy(new Error("no answer")));
    socket.on("data", (data) => {
      answer += String(data);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

interface Answer {
  pid: number;
  count: number;
  ticks: number;
  secret: string;
}

/** A server that answers with its pid, counters and a secret that only its memory knows. */
async function countingServer(argv: string[], env: Record<string, string>): Promise<void> {
  await using stage = await Stage.open();
  const program = await stage.start(argv, { env, except });
  const port = await portOf(program);
  let asked = 0;
  let last: Answer = { pid: program.pid, count: 0, ticks: 0, secret: "" };
  const ask = async () => {
    const answer = JSON.parse(await page(port, "/")) as Answer;
    expect(answer).toMatchObject({ pid: program.pid, count: ++asked, secret: last.secret || answer.secret });
    expect(answer.ticks).toBeGreaterThanOrEqual(last.ticks);
    last = answer;
  };
  const askUntilItTicks = async () => {
    const before = last.ticks;
    await until("the timer ticks", async () => {
      await ask();
      return last.ticks > before ? true : undefined;
    });
  };
  await clients(program, askUntilItTicks);
  for (let round = 0; round < 2; round++) {
    await program.roundTrip();
    await clients(program, askUntilItTicks);
  }
  const logged = readFileSync(stage.file("log"), "utf8").trim().split("\n");
  expect(logged).toEqual(Array.from({ length: asked }, (_, i) => `request ${i + 1}`));
}

const titled = (name: string, lacking: string | undefined) => (lacking === undefined ? name : `${name} (${lacking})`);
const without = (name: string) => (Bun.which(name) === null ? `there is no ${name}` : undefined);

describe.skipIf(!isRoot)("servers (needs root)", () => {
  test("Bun", () => countingServer([process.execPath, join(victims, "server.bun.ts")], {}), testTime);

  const node = without("node");
  test.skipIf(node !== undefined)(
    titled("Node", node),
    () => countingServer(["node", join(victims, "server.node.mjs")], {}),
    testTime,
  );

  const python = without("python3");
  test.skipIf(python !== undefined)(
    titled("python3 -m http.server", python),
    async () => {
      await using stage = await Stage.open();
      writeFileSync(stage.file("first"), "the first page");
      const words = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"];
      const program = await stage.start(["python3", ...words]);
      const port = await portOf(program);
      await clients(program, async () => expect(await page(port, "/first")).toBe("the first page"));
      for (const name of ["second", "third"]) {
        await program.roundTrip();
        writeFileSync(stage.file(name), `the ${name} page`);
        await clients(program, async () => {
          expect(await page(port, `/${name}`)).toBe(`the ${name} page`);
          expect(await page(port, "/first")).toBe("the first page");
        });
      }
      expect(program.said.match(/"GET \/\w+ HTTP\/1.1" 200/g)?.length).toBe(5);
    },
    testTime,
  );

  test.skipIf(goIsMissing !== undefined)(
    titled("Go", goIsMissing),
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start([goProgram("counter")], { except });
      const port = await portOf(program);
      let asked = 0;
      let last = [0, 0];
      const ask = async () => {
        const [echo, numbers = ""] = (await line(port, `question ${asked}`)).trim().split("\n");
        const [pid, count, ...moving] = numbers.split(" ").map(Number);
        expect([echo, pid, count]).toEqual([`question ${asked}`, program.pid, ++asked]);
        return moving;
      };
      const askUntilAllMoves = async () => {
        const before = last;
        await until("ticks and rounds go on", async () => {
          last = await ask();
          return last.every((value, i) => value > (before[i] ?? 0)) ? true : undefined;
        });
      };
      await clients(program, askUntilAllMoves);
      for (let round = 0; round < 2; round++) {
        await program.roundTrip();
        await clients(program, askUntilAllMoves);
      }
    },
    testTime,
  );
});
