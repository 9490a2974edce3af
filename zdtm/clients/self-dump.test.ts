/** Programs that have themselves dumped, by libcriu: restored, they are told that they are the ones who came back. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { Keeper } from "../lib/keeper.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";
import { driver } from "./lib/driver.ts";

const testTime = 300_000;

/** A service of tscriu's for as long as the keeper lives. */
async function serve(keeper: Keeper, scratch: Scratch): Promise<string> {
  const address = scratch.file("socket");
  const argv = [...(await binary()), "service", "--address", address, "-o", "service.log"];
  await keeper.run({ argv, directory: scratch.path, output: scratch.file("served") });
  await until("no service", () => (existsSync(address) ? undefined : "no socket"));
  return address;
}

/** Runs the program, restores it whenever it has gone, and gives what it said. */
async function story(how: "service" | "worker"): Promise<string[]> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const self = await driver(scratch, "self");
  const address = how === "service" ? await serve(keeper, scratch) : "-";
  const [first, second, alive, asked] = [scratch.file("1"), scratch.file("2"), scratch.file("3"), scratch.file("4")];
  const out = scratch.file("out");
  for (const dir of [first, second, alive, asked]) mkdirSync(dir);
  // a worker of its own would be one of those whom it is to save
  const byChild = how === "service" ? [`^${asked}`] : [];
  const { words, env } = self(address, first, second, ...byChild, `+${alive}`);
  const pid = await keeper.run({ argv: words, directory: "/", output: out, session: true, env });
  const said = () => readFileSync(out, "latin1");
  const back = async (images: string) => {
    await until("it lives", () =>
      existsSync(`/proc/${pid}/exe`) || !existsSync(`${images}/inventory.img`) ? said() : undefined,
    );
    const argv = [...(await binary()), "restore", "-d", "-D", images, "-o", "restore.log", "-v4"];
    const status = await keeper.ended(await keeper.run({ argv, directory: "/", output: `${images}/said` }));
    if (status !== 0) throw new Error(readFileSync(`${images}/restore.log`, "latin1").slice(-2000));
  };
  await keeper.ended(pid);
  await back(first);
  await keeper.ended(pid);
  await back(second);
  if (how === "service") {
    await keeper.ended(pid);
    await back(asked);
  }
  await until("it does not wait", () => (said().includes("waits") ? undefined : said()));
  // the one that lived on has an image, too: who comes out of that is told so
  process.kill(pid, "SIGKILL");
  await keeper.ended(pid);
  await back(alive);
  await until("it does not wait", () => (said().split("waits").length === 3 ? undefined : said()));
  return said().trim().split("\n");
}

const came = "result 1 errno 0 descriptors 0";
const told = (byChild: boolean) => [
  ...["asks 1", "heard pre-dump", came],
  ...["asks 2", "heard pre-dump", came],
  ...(byChild ? ["asks 3", "heard pre-dump", came, "child 11"] : []),
  ...[`asks ${byChild ? 4 : 3}`, "heard pre-dump", "result 0 errno 0 descriptors 0", "waits"],
  ...[came, "waits"],
];

describe("dumps of oneself", () => {
  if (process.getuid?.() !== 0) {
    test.skip("by the service and by a worker (they need root)", () => {});
    return;
  }
  test(
    "by the service, where a child may ask as well",
    async () => expect(await story("service")).toEqual(told(true)),
    testTime,
  );
  test("by a worker of its own", async () => expect(await story("worker")).toEqual(told(false)), testTime);
});
