import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrError } from "../../error.ts";
import { ProcDir, readProcFile } from "./read.ts";
import { Victim } from "./victim.testing.ts";

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof CrError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return undefined;
}

test("files, links and directories as others read them", async () => {
  await using victim = await Victim.start("exec 7</dev/null 9</dev/zero");
  using dir = new ProcDir(victim.pid);
  for (const name of ["limits", "maps", "cmdline", "environ", "mountinfo"]) {
    expect(dir.bytes(name).equals(readFileSync(`/proc/${victim.pid}/${name}`))).toBe(true);
  }
  expect(dir.text("comm")).toBe("sh\n");
  expect(dir.link("fd/7")).toBe("/dev/null");
  expect(dir.link("exe")).toBe(readlinkSync(`/proc/${victim.pid}/exe`));
  const fds = readdirSync(`/proc/${victim.pid}/fd`).map(Number);
  expect(dir.list("fd")).toEqual(fds.sort((a, b) => a - b));
  expect(dir.list("task")).toEqual([victim.pid]);
});

test("a file that is longer than the buffer", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "proc-"));
  const script = join(scratch, "long.sh");
  // one argument may have 128 KiB, so two make more than the buffer holds at first
  const long = "x".repeat(100_000);
  writeFileSync(script, `echo ready\nread line\n`);
  const child = Bun.spawn(["sh", script, long, long], { stdin: "pipe", stdout: "pipe" });
  try {
    await child.stdout.getReader().read();
    using dir = new ProcDir(child.pid);
    expect(dir.text("cmdline")).toBe(`sh\0${script}\0${long}\0${long}\0`);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(scratch, { recursive: true });
  }
});

test("the link of a directory that was deleted keeps the kernel's mark", async () => {
  const path = mkdtempSync(join(tmpdir(), "proc-"));
  await using victim = await Victim.start(`cd ${path}`);
  rmdirSync(path);
  using dir = new ProcDir(victim.pid);
  expect(dir.link("cwd")).toBe(`${path} (deleted)`);
});

test("a process that is gone says so, also when the directory was open", async () => {
  const victim = await Victim.start("exec 7</dev/null");
  using dir = new ProcDir(victim.pid);
  const { pid } = victim;
  await victim.end();
  const gone = `ESRCH: process ${pid} is gone`;
  expect(codeOf(() => new ProcDir(pid))).toBe(gone);
  expect(codeOf(() => dir.text("stat"))).toBe(gone);
  expect(codeOf(() => dir.link("fd/7"))).toBe(gone);
  expect(codeOf(() => dir.list("fd"))).toBe(gone);
  expect(codeOf(() => dir.optional("comm"))).toBe(gone);
  expect(dir.exists()).toBe(false);
});

test("a file that the kernel lacks is no dead process", () => {
  using dir = new ProcDir(process.pid);
  expect(codeOf(() => dir.text("no_such_file"))).toBe("ENOENT: cannot read: no such file or directory");
  expect(codeOf(() => dir.link("fd/65535"))).toBe("ENOENT: cannot read the link: no such file or directory");
  expect(dir.optional("no_such_file")).toBeUndefined();
  expect(dir.exists()).toBe(true);
});

test("threads have directories of their own", () => {
  using dir = new ProcDir(process.pid);
  const tids = dir.list("task");
  expect(tids.length).toBeGreaterThan(1);
  for (const tid of tids) {
    using thread = dir.thread(tid);
    expect(thread.text("stat").startsWith(`${tid} (`)).toBe(true);
  }
});

test("nothing stays open", () => {
  using probe = new ProcDir(process.pid);
  const before = probe.list("fd").length;
  for (let i = 0; i < 50; i++) {
    using dir = new ProcDir(process.pid);
    dir.text("stat");
    dir.list("fd");
    dir.link("exe");
    dir.optional("no_such_file");
    dir[Symbol.dispose]();
  }
  expect(probe.list("fd").length).toBeLessThanOrEqual(before);
});

test("files of no process", () => {
  expect(readProcFile("/proc/version")).toBe(readFileSync("/proc/version", "utf8"));
  expect(codeOf(() => readProcFile("/proc/no_such_file"))).toBe("ENOENT: cannot read: no such file or directory");
});
