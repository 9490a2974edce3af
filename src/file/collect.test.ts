import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { closeFd, dupFd, openPath } from "../kernel/fd.ts";
import { sameFile } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, F_OWNER, O } from "../kernel/uapi/fcntl.ts";
import { FileCollector } from "./collect.ts";
import { allowDescriptors } from "./numbers.ts";

function nextIds(): () => number {
  let id = 0;
  return () => ++id;
}

function collector(): FileCollector {
  return new FileCollector({ nextId: nextIds(), virtualPid: (pid) => pid });
}

test("descriptors that share a description are one file, over tasks too", async () => {
  const file = openSync("/dev/null", "r+");
  const other = openSync("/dev/null", "r+");
  const child = spawn("sleep", ["1000"], { stdio: [file, other, file] });
  try {
    using files = collector();
    // until it has executed, the child is a copy of us with all our descriptors, and then it opens its libraries
    while (child.pid === undefined || !/nanosleep/.test(readFileSync(`/proc/${child.pid}/wchan`, "utf8")))
      await Bun.sleep(1);
    files.addTable(process.pid, [file, other]);
    files.addTable(child.pid ?? 0);
    const [a, b, zero, one, two] = files.held;
    expect(files.files).toHaveLength(2);
    expect([zero?.file, one?.file, two?.file]).toEqual([a?.file, b?.file, a?.file]);
    expect([zero?.pid, zero?.fd, zero?.cloexec]).toEqual([child.pid, 0, false]);
    expect(a?.cloexec).toBe(true);
    expect(a?.file.flags).toBe(O.RDWR | O.LARGEFILE);
  } finally {
    child.kill("SIGKILL");
    await new Promise((done) => child.once("exit", done));
    closeSync(file);
    closeSync(other);
  }
});

test("thousands of eventfds are told apart, and their duplicates found", () => {
  const count = Math.min(10_000, Math.floor(allowDescriptors(30_000) / 3));
  const made = Array.from({ length: count }, () => check(sys(NR.eventfd2, 0, O.CLOEXEC), "eventfd2"));
  const copies = made.slice(0, 100).map((fd) => dupFd(fd));
  try {
    using files = collector();
    files.addTable(process.pid, [...made, ...copies]);
    expect(files.files).toHaveLength(count);
    const byFd = new Map(files.held.map(({ fd, file }) => [fd, file]));
    for (const [i, copy] of copies.entries()) expect(byFd.get(copy)).toBe(byFd.get(made[i] ?? -1));
  } finally {
    for (const fd of [...made, ...copies]) closeFd(fd);
  }
});

test("where few duplicates can be open, they are taken again when they are wanted", () => {
  const made = Array.from({ length: 50 }, (_, i) => check(sys(NR.eventfd2, i, O.CLOEXEC), "eventfd2"));
  using files = new FileCollector({ nextId: nextIds(), virtualPid: (pid) => pid, maxDuplicates: 3 });
  files.addTable(process.pid, made);
  for (let round = 0; round < 2; round++) {
    for (const [i, file] of files.files.entries())
      expect(sameFile(process.pid, file.dup, process.pid, made[i] ?? -1)).toBe(true);
  }
  expect({ ...files.files[0] }.dup).toBe(files.files[0]?.dup ?? -1);
  for (const fd of made) closeFd(fd);
});

test("owner and signal are read, O_PATH has none", () => {
  const fd = openPath("/dev/null", O.RDWR);
  const path = openPath("/dev/null", O.PATH);
  sys(NR.fcntl, fd, F.SETOWN_EX, addressOf(new Int32Array([F_OWNER.PID, process.pid])));
  sys(NR.fcntl, fd, F.SETSIG, 34);
  using files = collector();
  files.addTable(process.pid, [fd, path]);
  const uid = process.getuid?.() ?? 0;
  expect(files.files[0]?.fown).toEqual({ uid, euid: uid, signum: 34, pid_type: F_OWNER.PID, pid: process.pid });
  expect(files.files[1]?.fown.pid).toBe(0);
  expect((files.files[1]?.flags ?? 0) & O.PATH).toBe(O.PATH);
  closeFd(fd);
  closeFd(path);
});

test("a duplicate that was found elsewhere is the known file, or a new one", () => {
  const known = openPath("/dev/null", O.RDWR);
  using files = collector();
  files.addTable(process.pid, [known]);
  const first = files.adopt(dupFd(known), { pid: 1, fd: 2 });
  expect(first).toEqual({ file: files.files[0] as never, isNew: false });
  const second = files.adopt(openPath("/dev/null", O.RDWR), { pid: 1, fd: 2 });
  expect([second.isNew, second.file.pid, second.file.fd]).toEqual([true, 1, 2]);
  closeFd(known);
});
