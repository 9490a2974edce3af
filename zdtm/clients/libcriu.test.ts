/** Our libcriu, driven by a C program as container engines drive it, with tscriu standing in PATH as `criu`. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { Keeper } from "../lib/keeper.ts";
import { Scratch, until } from "../unharmed/lib/victim.ts";
import { type Driven, driver } from "./lib/driver.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

function run({ words, env }: Driven): string[] {
  const { stdout } = Bun.spawnSync(words, { env, stderr: "inherit" });
  return stdout.toString().trim().split("\n");
}

describe("libcriu", () => {
  test("exports what CRIU's library does: version, features, a failure", async () => {
    using scratch = new Scratch();
    const drive = await driver(scratch, "drive");
    expect(run(drive("version"))).toEqual(["result 40200 errno 0"]);
    expect(run(drive("features"))).toEqual(["0 0 0", "result 0 errno 0"]);
    const nobody = { ...drive("version") };
    nobody.env = { ...nobody.env, DRIVE_SERVICE: scratch.file("nowhere") };
    expect(run(nobody)[0]).toMatch(/^result -111 /);
  });

  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }

  test(
    "dump, and restore as a child of the caller, with notifications",
    async () => {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const drive = await driver(scratch, "drive");
      const images = scratch.file("images");
      mkdirSync(images);
      expect(run(drive("check"))).toEqual(["result 0 errno 0"]);
      const pid = await keeper.run({
        argv: ["sleep", "1000000"],
        directory: "/",
        output: scratch.file("out"),
        session: true,
      });
      await until("no sleep", () =>
        readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n" ? undefined : "something else",
      );
      const dumped = run(drive("dump", String(pid), images));
      expect(dumped).toEqual(["pre-dump 0", "query-ext-files 0", "post-dump 0", "result 0 errno 0"]);
      await until("it lives", () => (existsSync(`/proc/${pid}/exe`) ? "alive" : undefined));
      const back = run(drive("child", images));
      expect(back).toContain(`post-restore ${pid}`);
      expect(back.slice(-2)).toEqual(["reaped 1", `result ${pid} errno 0`]);
      const elsewhere = ["unshare", "--uts", "sh", "-c", "echo joined >/proc/sys/kernel/hostname; exec sleep 1000000"];
      const host = await keeper.run({ argv: elsewhere, directory: "/", output: scratch.file("host"), session: true });
      await until("no sleep", () =>
        readFileSync(`/proc/${host}/comm`, "latin1") === "sleep\n" ? undefined : "something else",
      );
      const restore = drive("restore", images);
      restore.env = { ...restore.env, DRIVE_UTS: `/proc/${host}/ns/uts` };
      expect(run(restore).at(-1)).toBe(`result ${pid} errno 0`);
      expect(readlinkSync(`/proc/${pid}/ns/uts`)).toBe(readlinkSync(`/proc/${host}/ns/uts`));
      process.kill(pid, "SIGKILL");
      const [ESRCH, gone] = [3, "4194303"];
      expect(run(drive("dump", gone, images)).at(-1)).toBe(`result -52 errno ${ESRCH}`);
    },
    testTime,
  );
});
