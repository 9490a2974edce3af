/** The start-up code: what the program finds when it starts, and when it refuses to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Elf, PT, type Segment } from "../../src/build/elf.ts";
import { hostMachine, toolPrefix } from "../../src/build/native.ts";
import { writtenIn } from "../../src/build/written.ts";
import { packed } from "./product.ts";

interface Report {
  name: string;
  words: string[];
  environment: Record<string, string>;
  own: Record<string, string>;
  descriptors: Record<string, string>;
  pidByShim: number;
  pid: number;
  isGone: boolean;
  bss: number[];
}

let dir = "";
let probe = "";

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "tscriu-startup-"));
  chmodSync(dir, 0o755);
  probe = packed("probe", join(dir, "probe"));
}, 300_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function ask(env: Record<string, string>, words: string[] = [], extra: number[] = []): Report {
  const done = spawnSync(probe, words, {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", ...extra],
    maxBuffer: 1 << 28,
  });
  expect({ status: done.status, error: done.stderr }).toEqual({ status: 0, error: "" });
  return JSON.parse(done.stdout) as Report;
}

/** What the kernel maps of the file: the first page says it all. */
function mapped(): Segment[] {
  const fd = openSync(probe, "r");
  const page = new Uint8Array(4096);
  readSync(fd, page, 0, page.length, 0);
  closeSync(fd);
  return new Elf(probe, page).of(PT.LOAD);
}

describe("the start-up code", () => {
  test("is all that the file needs: no interpreter is named", () => {
    const headers = spawnSync(`${toolPrefix(hostMachine())}readelf`, ["-lW", probe], { encoding: "utf8" }).stdout;
    expect(headers).toContain("LOAD");
    expect(headers).not.toContain("INTERP");
  });

  test("the text begins at a huge page, and the bundle has huge pages of its own", () => {
    const huge = 0x200000;
    const [, ...loads] = mapped();
    expect(loads.map(({ address, offset }) => (address - offset) % huge === 0)).toEqual(loads.map(() => true));
    expect(loads.map(({ flags }) => flags)).toEqual([4, 5, 6, 6]);
    expect(loads.map(({ address }) => address % huge === 0)).toEqual([true, true, false, true]);
    const bundle = loads.at(-1);
    expect(bundle?.size).toBe(bundle?.fileSize);
    expect((bundle?.size ?? 1) % huge).toBe(0);
  });

  test.if(hostMachine() === "x86_64")("has the pages that each start writes to mapped ahead, and few others", () => {
    const { bss } = ask({});
    const first = bss[0] ?? 0;
    const ranges = [...writtenIn(mapped()), { address: first, pages: 16 }];
    const ahead = ranges.flatMap(({ address, pages }) => Array.from({ length: pages }, (_, i) => address + i * 4096));
    expect(bss).toEqual(expect.arrayContaining(ahead));
    const more = bss.filter((page) => !ahead.includes(page)).map((page) => page.toString(16));
    expect(more.length, `src/build/written.ts knows nothing of ${more.join(" ")}`).toBeLessThan(8);
  });

  test("gives the words, and the environment, as they were", () => {
    const env = { PATH: "/bin", EMPTY: "", LD_LIBRARY_PATH: "/a:/b", BUN_OPTIONS: "--bail", NODE_ENV: "x", Ü: "ä" };
    const report = ask(env, ["one", "", "--three"]);
    expect(report.name).toBe(probe);
    expect(report.words).toEqual(["one", "", "--three"]);
    expect(report.environment).toEqual(env);
    expect(report.own).not.toHaveProperty("BUN_OPTIONS");
    expect(report.own).not.toHaveProperty("LD_PRELOAD");
  });

  test("bears no environment at all, and a very large one", () => {
    expect(ask({}).environment).toEqual({});
    const env: Record<string, string> = {};
    for (let i = 0; i < 20_000; i++) env[`${i % 2 ? "BUN" : "VARIABLE"}_${i}`] = "x".repeat(i % 60);
    expect(ask(env).environment).toEqual(env);
  });

  test("a long word on a small stack", () => {
    const long = "x".repeat(100_000);
    const script = 'ulimit -s 512; exec "$0" "$@"';
    const done = spawnSync("sh", ["-c", script, probe, long], { encoding: "utf8", env: {} });
    expect({ status: done.status, error: done.stderr }).toEqual({ status: 0, error: "" });
    expect((JSON.parse(done.stdout) as Report).words).toEqual([long]);
  });

  test("leaves the callers' descriptors at their numbers, and none of its own", () => {
    const path = join(dir, "inherited");
    writeFileSync(path, "text");
    const fd = openSync(path, "r");
    try {
      const { descriptors } = ask({}, [], [fd, fd, fd]);
      expect([descriptors[3], descriptors[4], descriptors[5]]).toEqual([path, path, path]);
      const isOwn = (link: string) => link.includes("memfd") || link === probe;
      expect(Object.values(descriptors).filter(isOwn)).toEqual([]);
    } finally {
      closeSync(fd);
    }
  });

  test("loads the shim from memory", () => {
    const report = ask({});
    expect(report.pidByShim).toBe(report.pid);
  });

  test("starts with few descriptors allowed", () => {
    const done = spawnSync("sh", ["-c", 'ulimit -n 24; exec "$0"', probe], { encoding: "utf8", env: {} });
    expect({ status: done.status, error: done.stderr }).toEqual({ status: 0, error: "" });
  });

  for (const [option, words] of [
    ["-v", "the address space is limited"],
    ["-d", "memory for data is limited"],
  ] as const)
    test(`says that the runtime would not start with so little memory (ulimit ${option})`, () => {
      const done = spawnSync("sh", ["-c", `ulimit ${option} 1000000; exec "$0"`, probe], { encoding: "utf8", env: {} });
      expect(done.stderr).toContain(`tscriu: ${words}`);
      expect(done.stderr).toContain(`ulimit ${option} unlimited`);
      expect(done.status).toBe(1);
    });

  test("starts where the current directory was deleted, and knows that it was", () => {
    const gone = join(dir, "gone");
    mkdirSync(gone);
    const start = (script: string) =>
      spawnSync("sh", ["-c", script, probe, gone], { encoding: "utf8", env: { PATH: process.env.PATH } });
    const inside = start('cd "$1"; exec "$0"');
    expect((JSON.parse(inside.stdout) as Report).isGone).toBe(false);
    const done = start('cd "$1"; rmdir "$1"; exec "$0"');
    expect({ status: done.status, isGone: (JSON.parse(done.stdout) as Report).isGone }).toEqual({
      status: 0,
      isGone: true,
    });
  });

  test.skipIf(process.getuid?.() !== 0)("says that /proc is missing (needs root: a mount namespace)", () => {
    const script = 'umount -l /proc && exec "$0"';
    const done = spawnSync("unshare", ["--mount", "sh", "-c", script, probe], { encoding: "utf8" });
    expect(done.stderr).toBe("tscriu: /proc is not mounted here: mount -t proc proc /proc\n");
    expect(done.status).toBe(1);
  });

  test.skipIf(process.getuid?.() !== 0)("refuses to run set-user-id (needs root: another user)", () => {
    chmodSync(probe, 0o4755);
    try {
      const done = spawnSync("setpriv", ["--reuid", "65534", "--clear-groups", probe], { encoding: "utf8" });
      expect(done.stderr).toContain("refuses to run set-user-id");
      expect(done.status).toBe(1);
    } finally {
      chmodSync(probe, 0o755);
    }
  });
});
