/** What cannot be dumped or restored is refused with one clear error that names it and says what helps. */
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Entry } from "../../src/image/codec.ts";
import { ImageDirectory } from "../../src/image/directory.ts";
import { encodeImage } from "../../src/image/framing.ts";
import { CoreEntryMarch } from "../../src/image/schema.gen.ts";
import { binary } from "../lib/binary.ts";
import { Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { strike } from "./lib/kill.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu, unclear } from "./lib/run.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 300_000;
const random = (below: number) => Math.floor(Math.random() * below);

/** One clear error, all of these in it. */
function tells(said: { status: number; text: string }, ...patterns: (string | RegExp)[]): void {
  expect(unclear(said) ?? "").toBe("");
  for (const pattern of patterns) expect(said.text).toMatch(pattern);
}

interface Place extends AsyncDisposable {
  scratch: Scratch;
  keeper: Keeper;
  images: string;
  dump(pid: number, ...words: string[]): ReturnType<typeof tscriu>;
  restore(...words: string[]): ReturnType<typeof tscriu>;
}

async function place(): Promise<Place> {
  const scratch = new Scratch();
  const keeper = await Keeper.start();
  const images = scratch.file("images");
  mkdirSync(images);
  const common = ["-D", images, "-o", "log"];
  return {
    scratch,
    keeper,
    images,
    dump: (pid, ...words) => tscriu(keeper, scratch, ["dump", "-t", String(pid), ...common, ...words]),
    restore: (...words) => tscriu(keeper, scratch, ["restore", "-d", ...common, ...words]),
    async [Symbol.asyncDispose]() {
      await keeper[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

const left = (path: string) => readdirSync(path).filter((name) => name.endsWith(".img") || name.startsWith("."));

/** @param name what the program is called */
async function odd({ keeper, scratch }: Place, mode: string, name = mode): Promise<{ pid: number; said: number }> {
  const result = scratch.file(`result-${name}`);
  const program = scratch.file(name);
  symlinkSync(cProgram("victims/odd.c"), program);
  const argv = [program, scratch.file(`ready-${name}`), result, mode];
  const pid = await keeper.run({ argv, directory: "/", output: scratch.file("out"), session: true });
  await until("the victim is not ready", () => (existsSync(result) ? undefined : "no"));
  return { pid, said: Number(readFileSync(result, "latin1")) };
}

async function small(at: Place): Promise<number> {
  const ready = at.scratch.file("ready");
  const argv = [cProgram("victims/small.c", "-static"), ready, at.scratch.file("file")];
  const pid = await at.keeper.run({ argv, directory: "/", output: "/dev/null", session: true });
  await until("the victim is not ready", () =>
    existsSync(ready) && readFileSync(ready).length > 3 ? undefined : "no",
  );
  return pid;
}

const running = ["--leave-running"];

/** Bytes that the images of the computing victim take, but for the last two pages. */
async function almostAll(at: Place): Promise<number> {
  const victim = await Victim.start(at.keeper, at.scratch, [cProgram("victims/computing.c")]);
  expect(await at.dump(victim.pid)).toEqual({ status: 0, text: "" });
  const sizes = left(at.images).map((name) => Math.ceil(statSync(`${at.images}/${name}`).size / 4096) * 4096);
  // another victim touches a few pages more or less
  return sizes.reduce((sum, size) => sum + size, 0) - 8 * 4096;
}

describe("refused", () => {
  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }
  test.concurrent(
    "processes that are no victims",
    async () => {
      await using at = await place();
      tells(await at.dump(4194303), /no such process/, /pid 4194303/, /try:/);
      tells(await at.dump(1), /below/, /pid 1\b/, /try:/);
      tells(await at.dump(process.pid), /below/, /try:/);
      if (existsSync("/proc/2/comm") && readFileSync("/proc/2/comm", "latin1") === "kthreadd\n")
        tells(await at.dump(2), /kernel thread/, /pid 2\b/);
      const zombie = await odd(at, "zombie");
      tells(await at.dump(zombie.said), /zombie/, new RegExp(`pid ${zombie.said}`), /try:/);
      const traced = await odd(at, "traced");
      tells(await at.dump(traced.said), /traces/, new RegExp(`tracer ${traced.pid}`), /try:/);
      tells(await at.dump(traced.pid), /traces/, new RegExp(`pid ${traced.said}`), /try:/);
      const criu = await odd(at, "traced", "criu");
      tells(await at.dump(criu.said), new RegExp(`another dump is about it: wait for the end of criu .${criu.pid}.`));
      const vfork = await odd(at, "vfork");
      tells(
        await at.dump(vfork.said, "--timeout", "1"),
        /does not stop/,
        new RegExp(`pid ${vfork.said}`),
        /vfork/,
        /--timeout/,
      );
      const threads = await Victim.start(at.keeper, at.scratch, [cProgram("victims/computing.c")]);
      const tid = Number(readdirSync(`/proc/${threads.pid}/task`).at(-1));
      tells(await at.dump(tid, ...running), new RegExp(`thread of process ${threads.pid}`), /try:/);
      expect(left(at.images)).toEqual([]);
      await threads.wellAs(await threads.settled());
    },
    patience,
  );

  test.concurrent(
    "runs without privileges",
    async () => {
      if (Bun.which("setpriv") === null) {
        console.log("skipped runs without privileges: there is no setpriv (util-linux)");
        return;
      }
      await using at = await place();
      const pid = await small(at);
      const output = at.scratch.file("said-plain");
      // a copy that anybody may execute, and a directory that anybody may write to
      const [command = ""] = await binary();
      const open = at.scratch.file("open");
      mkdirSync(open, { mode: 0o777 });
      const bare = Bun.spawnSync([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "test",
        "-x",
        command,
      ]);
      if (bare.exitCode !== 0) {
        console.log(`skipped runs without privileges: ${dirname(command)} cannot be reached by others`);
        return;
      }
      const as = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", command];
      const one = await at.keeper.run({
        argv: [...as, "dump", "-t", String(pid), "-D", "/tmp", "-o", "/dev/null"],
        directory: "/",
        output,
      });
      const status = await at.keeper.ended(one);
      tells({ status: status >> 8, text: readFileSync(output, "latin1") }, /root|CAP_/, /try:/);
    },
    patience,
  );

  test.concurrent(
    "pids that are taken, files that are missing or changed, sets that are not finished",
    async () => {
      await using at = await place();
      const pid = await small(at);
      const pids = treeOf(pid);
      expect(await at.dump(pid, ...running)).toEqual({ status: 0, text: "" });
      tells(await at.restore(), /pid is taken/, new RegExp(`pid ${pid}, holder small`), /try:/);
      expect(treeOf(pid).length).toBe(3);
      process.kill(pid, "SIGKILL");
      await at.keeper.ended(pid);
      await until("the children do not end", () => {
        for (const one of pids) if (existsSync(`/proc/${one}/exe`)) process.kill(one, "SIGKILL");
        return pids.some((one) => existsSync(`/proc/${one}`)) ? "no" : undefined;
      });
      const gone = () =>
        until("something is left of it", () => (existsSync(`/proc/${pid}`) ? `${treeOf(pid)}` : undefined));
      const file = at.scratch.file("file");
      const keep = at.scratch.file("keep");
      copyFileSync(file, keep);
      unlinkSync(file);
      tells(await at.restore(), /missing/, file, /try:/);
      await gone();
      copyFileSync(keep, file);
      truncateSync(file, 2);
      tells(await at.restore(), file, /size|bytes|changed/, /try:/);
      await gone();
      copyFileSync(keep, file);
      const inventory = `${at.images}/inventory.img`;
      copyFileSync(inventory, at.scratch.file("inventory"));
      unlinkSync(inventory);
      tells(await at.restore(), /unfinished/, /inventory\.img/, at.images, /try:/);
      await gone();
      copyFileSync(at.scratch.file("inventory"), inventory);
      const entry = { ...ImageDirectory.open(at.images).inventory, plugins_entry: { plugins: ["cuda_plugin"] } };
      writeFileSync(inventory, encodeImage("INVENTORY", [entry as unknown as Entry]));
      tells(await at.restore(), /plugins/, /cuda_plugin/, /try:/);
      await gone();
      copyFileSync(at.scratch.file("inventory"), inventory);
      const pages = `${at.images}/pages-1.img`;
      renameSync(pages, at.scratch.file("pages"));
      tells(await at.restore(), /lacks its image pages-1\.img/, /try:/);
      await gone();
      renameSync(at.scratch.file("pages"), pages);
      const core = `${at.images}/core-${pid}.img`;
      copyFileSync(core, at.scratch.file("core"));
      const other = { ...ImageDirectory.open(at.images).one("CORE", pid), mtype: CoreEntryMarch.S390 };
      writeFileSync(core, encodeImage("CORE", [other as unknown as Entry]));
      const told = at.scratch.file("told");
      const script = at.scratch.file("script");
      writeFileSync(script, `#!/bin/sh\necho "$CRTOOLS_SCRIPT_ACTION" >>${told}\n`, { mode: 0o755 });
      tells(await at.restore("--action-script", script), /another architecture/, /try:/);
      expect(existsSync(told)).toBe(false);
      await gone();
      copyFileSync(at.scratch.file("core"), core);
      copyFileSync(at.scratch.file("inventory"), inventory);
      expect(await at.restore()).toEqual({ status: 0, text: "" });
    },
    patience,
  );

  test.concurrent(
    "the inventory appears last",
    async () => {
      await using at = await place();
      const pid = await small(at);
      expect(await at.dump(pid, ...running)).toEqual({ status: 0, text: "" });
      const whole = left(at.images);
      const words = (to: string) => ["dump", "-t", String(pid), "-D", to, "-o", "log", ...running];
      mkdirSync(at.scratch.file("count"));
      const { calls } = await strike({ at: "call", n: -2 }, pid, words(at.scratch.file("count")));
      let finished = 0;
      for (let n = 0; n < 25; n++) {
        const to = at.scratch.file(`to-${n}`);
        mkdirSync(to);
        await strike({ at: "call", n: calls - 8 * n - random(8) }, pid, words(to));
        const there = left(to);
        if (!there.includes("inventory.img")) continue;
        finished++;
        expect(there.filter((name) => !name.startsWith(".")).sort()).toEqual(whole.sort());
      }
      expect(finished).toBeGreaterThan(0);
      expect(finished).toBeLessThan(25);
    },
    patience,
  );

  for (const [name, options, code] of [
    ["full", "size=16k", /no space left|ENOSPC/],
    ["full when pages come", "size=96k", /no space left|ENOSPC/],
    ["full at the end", "almost", /no space left|ENOSPC/],
    ["read-only", "ro", /read-only|EROFS/],
  ] as const)
    test.concurrent(
      `an image directory that is ${name}`,
      async () => {
        await using at = await place();
        const mount = at.scratch.file("mount");
        mkdirSync(mount);
        const size = options === "almost" ? `size=${await almostAll(at)}` : options;
        // a mount namespace of their own for victim and dumper
        const holder = await at.keeper.run({
          argv: [
            "unshare",
            "-m",
            "sh",
            "-c",
            `mount -t tmpfs -o ${size} none ${mount} && echo mounted && exec sleep 1000000`,
          ],
          directory: "/",
          output: at.scratch.file("holder"),
        });
        await until("no mount", () => {
          // the keeper's child makes the file
          const said = existsSync(at.scratch.file("holder")) ? readFileSync(at.scratch.file("holder"), "latin1") : "";
          return said === "mounted\n" ? undefined : said;
        });
        const enter = ["nsenter", `--mount=/proc/${holder}/ns/mnt`];
        const victim = await Victim.start(at.keeper, at.scratch, [...enter, cProgram("victims/computing.c")]);
        const before = await victim.settled();
        const words = ["dump", "-t", String(victim.pid), "-D", mount, "-W", at.scratch.path, "-o", "log"];
        tells(await tscriu(at.keeper, at.scratch, words, "said", enter), code, mount, /try:/);
        expect(readdirSync(`/proc/${holder}/root${mount}`)).toEqual([]);
        await victim.wellAs(before);
      },
      patience,
    );

  test.concurrent(
    "an image directory that vanishes",
    async () => {
      await using at = await place();
      const victim = await Victim.start(at.keeper, at.scratch, [cProgram("victims/computing.c")]);
      const before = await victim.settled();
      let refused = 0;
      for (let i = 0; i < 8; i++) {
        const to = at.scratch.file(`gone-${i}`);
        mkdirSync(to);
        const words = ["dump", "-t", String(victim.pid), "-D", to, "-W", at.scratch.path, "-o", "log", ...running];
        const dumping = tscriu(at.keeper, at.scratch, words);
        await until("no dump begins", () => (readdirSync(to).length > 0 ? undefined : "no image"));
        const removing = Bun.spawnSync(["rm", "-rf", to]);
        const said = await dumping;
        if (said.status !== 0) {
          refused++;
          tells(said, to);
        }
        expect(removing.exitCode).toBeLessThan(2);
        await victim.wellAs(before);
      }
      expect(refused).toBeGreaterThan(0);
    },
    patience,
  );

  test.concurrent(
    "a tree whose tasks end in the middle",
    async () => {
      await using at = await place();
      for (let i = 0; i < 10; i++) {
        const to = at.scratch.file(`ends-${i}`);
        mkdirSync(to);
        const victim = await Victim.start(at.keeper, at.scratch, [cProgram("victims/tree.c")]);
        const pids = victim.pids;
        const doomed = pids[i % 3 === 0 ? 0 : random(pids.length)] ?? victim.pid;
        const words = ["dump", "-t", String(victim.pid), "-D", to, "-o", "log", ...running];
        const dumping = tscriu(at.keeper, at.scratch, words);
        await until("no dump begins", () => (readdirSync(to).length > 0 ? undefined : "no image"));
        await Bun.sleep(random(60));
        process.kill(doomed, "SIGKILL");
        const said = await dumping;
        if (said.status !== 0) {
          tells(said);
          expect(left(to)).toEqual([]);
        }
        for (const pid of pids) {
          const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, "latin1") : "";
          expect(/TracerPid:\t(\d+)/.exec(status)?.[1] ?? "0").toBe("0");
        }
        for (const pid of pids)
          try {
            process.kill(pid, "SIGKILL");
          } catch {
            // the one that is gone
          }
      }
    },
    patience,
  );

  test.concurrent(
    "nothing of a tree that forks all the time",
    async () => {
      await using at = await place();
      const { pid } = await odd(at, "forks");
      for (let i = 0; i < 8; i++) {
        const said = await at.dump(pid, ...running);
        expect(said).toEqual({ status: 0, text: "" });
      }
      expect(readFileSync(`/proc/${pid}/status`, "latin1")).toMatch(/TracerPid:\t0/);
    },
    patience,
  );
});
