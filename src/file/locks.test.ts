import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { closeFd, dupFd, openPath, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, F_LOCK, LOCK, O } from "../kernel/uapi/fcntl.ts";
import { checkLocks, dumpLocks, restoreLocks } from "./locks.ts";
import { Rehearsal, show } from "./rehearsal.ts";

function range(fd: number, command: number, type: number, start: number, length: number): number {
  const flock = new DataView(new ArrayBuffer(32));
  flock.setInt16(0, type, true);
  flock.setBigInt64(8, BigInt(start), true);
  flock.setBigInt64(16, BigInt(length), true);
  return sys(NR.fcntl, fd, command, addressOf(flock));
}

function open(run: Rehearsal, name: string, flags: number): number {
  writeFileSync(run.file(name), "0123456789", { flag: "a" });
  return run.high(openPath(run.file(name), flags));
}

function expectSame(run: Rehearsal): void {
  expect(run.blockers).toEqual([]);
  for (const [fd, before] of run.before) expect({ fd, ...show(process.pid, fd) }).toEqual({ fd, ...before });
}

function cycle(run: Rehearsal, fds: number[]): void {
  run.dump(fds, { fileLocks: true }, (dump) => {
    checkLocks(dump);
    dumpLocks(dump);
  });
  run.restore({ fileLocks: true }, restoreLocks);
}

test("flock, POSIX and OFD locks come back, each once", () => {
  using run = new Rehearsal();
  const exclusive = open(run, "a", O.RDWR);
  const copy = run.high(dupFd(exclusive));
  const shared = open(run, "b", O.RDONLY);
  const ofd = open(run, "c", O.RDWR);
  check(sys(NR.flock, exclusive, LOCK.EX), "flock");
  check(sys(NR.flock, shared, LOCK.SH), "flock");
  check(range(exclusive, F.SETLK, F_LOCK.WRLCK, 2, 5), "F_SETLK");
  check(range(exclusive, F.SETLK, F_LOCK.RDLCK, 100, 0), "F_SETLK");
  check(range(ofd, F.OFD_SETLK, F_LOCK.WRLCK, 0, 0), "F_OFD_SETLK");
  check(range(ofd, F.OFD_SETLK, F_LOCK.RDLCK, 4, 2), "F_OFD_SETLK");
  const before = [exclusive, copy, shared, ofd].map(
    (fd) => readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^lock/gm)?.length,
  );
  expect(before).toEqual([3, 3, 1, 3]);
  cycle(run, [exclusive, copy, shared, ofd]);
  expectSame(run);
});

test("leases come back, and one that is being broken goes on being broken", () => {
  using run = new Rehearsal();
  const write = open(run, "w", O.RDWR);
  const read = open(run, "r", O.RDONLY);
  const breaking = open(run, "b", O.RDONLY);
  // a lease's owner is told by SIGIO, which would end us: SIGURG is ignored
  const SIGURG = 23;
  for (const fd of [write, read, breaking]) check(sys(NR.fcntl, fd, F.SETSIG, SIGURG), "F_SETSIG");
  check(sys(NR.fcntl, write, F.SETLEASE, F_LOCK.WRLCK), "F_SETLEASE");
  check(sys(NR.fcntl, read, F.SETLEASE, F_LOCK.RDLCK), "F_SETLEASE");
  check(sys(NR.fcntl, breaking, F.SETLEASE, F_LOCK.RDLCK), "F_SETLEASE");
  expect(tryOpen(run.file("b"), O.WRONLY | O.NONBLOCK)).toBe(-11);
  expect(show(process.pid, breaking).info.join()).toMatch(/LEASE\s+BREAKING/);
  cycle(run, [write, read, breaking]);
  expectSame(run);
});

test("without --file-locks a lock is a blocker that names option, task, descriptor and file", () => {
  using run = new Rehearsal();
  const fd = open(run, "a", O.RDWR);
  check(sys(NR.flock, fd, LOCK.EX), "flock");
  run.dump([fd], {}, checkLocks);
  const [error] = run.blockers;
  expect(error?.message).toBe("a flock lock is held");
  expect(error?.remedy).toContain("--file-locks");
  expect(error?.subject).toEqual({ pid: process.pid, fd, path: run.file("a") });
});

test("images with locks want --file-locks at the restore", () => {
  using run = new Rehearsal();
  const fd = open(run, "a", O.RDWR);
  check(sys(NR.flock, fd, LOCK.SH), "flock");
  run.dump([fd], { fileLocks: true }, dumpLocks);
  expect(() => run.restore({}, restoreLocks)).toThrow(/hold file locks/);
});

test("a file that another process has locked meanwhile is named", () => {
  using run = new Rehearsal();
  const fd = open(run, "a", O.RDWR);
  check(sys(NR.flock, fd, LOCK.EX), "flock");
  run.dump([fd], { fileLocks: true }, dumpLocks);
  const other = openPath(run.file("a"), O.RDONLY);
  check(sys(NR.flock, other, LOCK.EX), "flock");
  expect(() => run.restore({ fileLocks: true }, restoreLocks)).toThrow(/is the file locked by another process/);
  closeFd(other);
});
