import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { closeFd, fcntl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { statFd } from "../kernel/stat.ts";
import { must, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { pidfd } from "./pidfd.ts";
import { TestRun } from "./testing.ts";

const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeFd(fd);
});

function pidfdOf(pid: number, flags = 0): number {
  const fd = must(NR.pidfd_open, [pid, flags]);
  open.push(fd);
  return fd;
}

function pidIn(fd: number): number | undefined {
  using dir = new ProcDir(process.pid);
  return readFdInfo(dir, fd).pidfd?.pid;
}

const flags = (fd: number) => fcntl(fd, F.GETFL, 0, "") & ~O.CLOEXEC;

test("pidfds of ourselves and of a child come back with their flags", async () => {
  const child = Bun.spawn(["/bin/sleep", "1000"]);
  try {
    const fds = [pidfdOf(process.pid), pidfdOf(child.pid, O.NONBLOCK), pidfdOf(child.pid, O.EXCL)];
    using run = new TestRun(pidfd, { pids: [process.pid, child.pid] });
    run.dump(...fds);
    expect(run.entries.get(2)?.pidfd).toMatchObject({
      nspid: child.pid,
      flags: O.NONBLOCK,
      ino: statFd(fds[1] ?? 0).ino,
    });
    run.restore();
    expect([1, 2, 3].map((id) => pidIn(run.fd(id)))).toEqual([process.pid, child.pid, child.pid]);
    expect([1, 2, 3].map((id) => flags(run.fd(id)))).toEqual(fds.map(flags));
    expect(sys(NR.pidfd_send_signal, run.fd(2), 9, 0, 0)).toBe(0);
  } finally {
    child.kill();
    await child.exited;
  }
  expect(child.signalCode).toBe("SIGKILL");
});

test("pidfds of dead processes stay dead, and equal where they were", async () => {
  const children = [Bun.spawn(["/bin/true"]), Bun.spawn(["/bin/true"])] as const;
  const fds = [children[0], children[1], children[0]].map((child, i) => pidfdOf(child.pid, i === 2 ? O.NONBLOCK : 0));
  await Promise.all(children.map((child) => child.exited));
  using run = new TestRun(pidfd);
  run.dump(...fds);
  run.restore();
  const back = [1, 2, 3].map((id) => run.fd(id));
  expect(back.map(pidIn)).toEqual([-1, -1, -1]);
  expect(back.map(flags)).toEqual(fds.map(flags));
  const [a, b, c] = back.map((fd) => statFd(fd).ino);
  expect(a).toBe(c as number);
  expect(a).not.toBe(b as number);
  expect(sys(NR.pidfd_send_signal, run.fd(1), 0, 0, 0)).toBe(-3);
});

test("processes outside of the tree and single threads are refused by name", async () => {
  const child = Bun.spawn(["/bin/sleep", "1000"]);
  try {
    // it has its name once it has executed
    while (readFileSync(`/proc/${child.pid}/comm`, "utf8") !== "sleep\n") await Bun.sleep(1);
    using run = new TestRun(pidfd);
    expect(() => run.dump(pidfdOf(child.pid))).toThrow(`process ${child.pid} (sleep), which is not part of the tree`);
    expect(run.blockers.length).toBe(1);
    const tid = Number(readdirSync("/proc/self/task").find((name) => Number(name) !== process.pid));
    using second = new TestRun(pidfd);
    expect(() => second.dump(pidfdOf(tid, O.EXCL))).toThrow(`thread ${tid}`);
  } finally {
    child.kill();
    await child.exited;
  }
});
