import { expect, test } from "bun:test";
import { closeSync, readSync, writeSync } from "node:fs";
import { closeFd, dupFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { CLOCK, EFD, EPOLL, EPOLL_CTL, TFD } from "../kernel/uapi/event.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

function expectSame(run: Rehearsal): void {
  expect(run.blockers).toEqual([]);
  for (const [fd, before] of run.before) expect({ fd, ...show(process.pid, fd) }).toEqual({ fd, ...before });
}

test("eventfds keep counter, flags and semaphore mode", () => {
  using run = new Rehearsal();
  const make = (initial: number, flags: number) => run.high(check(sys(NR.eventfd2, initial, flags), "eventfd"));
  const plain = make(5, EFD.NONBLOCK);
  const semaphore = make(3, EFD.SEMAPHORE | EFD.NONBLOCK);
  const large = make(0, 0);
  writeSync(large, new Uint8Array(new BigUint64Array([0xffff_ffff_ffff_fffen]).buffer));
  const all = [plain, semaphore, large, make(0xffff_ffff, EFD.CLOEXEC), make(0, 0)];
  run.dump(all);
  run.restore();
  expectSame(run);
  const bytes = new BigUint64Array(1);
  readSync(semaphore, bytes);
  expect(bytes[0]).toBe(1n);
});

test("signalfds keep their mask", () => {
  using run = new Rehearsal();
  const make = (mask: bigint, flags: number) =>
    run.high(check(sys(NR.signalfd4, -1, addressOf(new BigUint64Array([mask])), 8, flags), "signalfd"));
  run.dump([make(0x200n, 0), make(0x8000_0000_0000_0001n, O.NONBLOCK), make(0n, 0)]);
  expect([...run.entries.values()][0]?.sgfd?.sigmask).toBe(0x200);
  run.restore();
  expectSame(run);
});

function setTimer(fd: number, flags: number, interval: bigint, value: bigint): void {
  const spec = new BigInt64Array([
    interval / 1_000_000_000n,
    interval % 1_000_000_000n,
    value / 1_000_000_000n,
    value % 1_000_000_000n,
  ]);
  check(sys(NR.timerfd_settime, fd, flags, addressOf(spec), 0), "timerfd_settime");
}

function timeLeft(fd: number): { interval: number; value: number } {
  const spec = new BigInt64Array(4);
  check(sys(NR.timerfd_gettime, fd, addressOf(spec)), "timerfd_gettime");
  const [isec = 0n, insec = 0n, sec = 0n, nsec = 0n] = spec;
  return { interval: Number(isec) + Number(insec) / 1e9, value: Number(sec) + Number(nsec) / 1e9 };
}

test("timerfds keep clock, interval, remaining time and ticks; one that expired runs on", () => {
  using run = new Rehearsal();
  const make = (clock: number, flags = 0) => run.high(check(sys(NR.timerfd_create, clock, flags), "timerfd"));
  const now = new BigInt64Array(2);
  sys(NR.clock_gettime, CLOCK.REALTIME, addressOf(now));
  const relative = make(CLOCK.MONOTONIC, TFD.NONBLOCK);
  setTimer(relative, 0, 10_000_000_007n, 5_000_000_000_000n);
  const absolute = make(CLOCK.REALTIME);
  setTimer(absolute, TFD.TIMER_ABSTIME, 0n, ((now[0] ?? 0n) + 3600n) * 1_000_000_000n);
  const idle = make(CLOCK.BOOTTIME);
  const periodic = make(CLOCK.MONOTONIC, TFD.NONBLOCK);
  setTimer(periodic, 0, 40_000_000n, 1n);
  const once = make(CLOCK.MONOTONIC, TFD.NONBLOCK);
  setTimer(once, 0, 0n, 1n);
  Bun.sleepSync(2);
  run.dump([relative, absolute, idle, periodic, once]);
  run.restore();
  for (const [fd, before] of run.before) {
    const after = show(process.pid, fd);
    const still = (info: string[]) => info.filter((line) => fd !== periodic || !line.startsWith("ticks"));
    expect({ fd, link: after.link, info: still(after.info) }).toEqual({
      fd,
      link: before.link,
      info: still(before.info),
    });
  }
  expect(timeLeft(relative).interval).toBeCloseTo(10.000000007, 9);
  expect(timeLeft(relative).value).toBeGreaterThan(4900);
  expect(timeLeft(relative).value).toBeLessThanOrEqual(5000);
  expect(timeLeft(absolute).value).toBeGreaterThan(3500);
  expect(timeLeft(absolute).value).toBeLessThanOrEqual(3600);
  expect(timeLeft(idle)).toEqual({ interval: 0, value: 0 });
  const ticks = new BigUint64Array(1);
  readSync(once, ticks);
  expect(ticks[0]).toBe(1n);
  expect(readSync(periodic, ticks)).toBe(8);
  const blocking = fcntlBlocking(periodic);
  expect(readSync(blocking, ticks)).toBe(8);
});

/** A periodic timer must go on ticking: a read waits for the next. */
function fcntlBlocking(fd: number): number {
  check(sys(NR.fcntl, fd, F.SETFL, 0), "F_SETFL");
  return fd;
}

/** struct epoll_event */
const EVENT = process.arch === "x64" ? { size: 12, data: 4 } : { size: 16, data: 8 };

function add(epfd: number, fd: number, events: number, data: bigint): void {
  const bytes = new Uint8Array(EVENT.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, events >>> 0, true);
  view.setBigUint64(EVENT.data, data, true);
  check(sys(NR.epoll_ctl, epfd, EPOLL_CTL.ADD, fd, addressOf(bytes)), "epoll_ctl", { fd });
}

function ready(epfd: number): bigint[] {
  const bytes = new Uint8Array(EVENT.size * 64);
  const count = check(sys(NR.epoll_pwait, epfd, addressOf(bytes), 64, 0, 0, 8), "epoll_pwait");
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(i * EVENT.size + EVENT.data, true));
}

function targets(fd: number): string[] {
  using self = new ProcDir(process.pid);
  return (readFdInfo(self, fd).epoll ?? []).map((t) => `${t.tfd} ${t.events.toString(16)} ${t.data}`).sort();
}

test("epolls keep their targets, nested ones too, with events and data", () => {
  using run = new Rehearsal();
  const make = () => run.high(check(sys(NR.epoll_create1, 0), "epoll"));
  const [outer, inner] = [make(), make()];
  const event = run.high(check(sys(NR.eventfd2, 1, EFD.NONBLOCK), "eventfd"));
  const quiet = run.high(check(sys(NR.eventfd2, 0, EFD.NONBLOCK), "eventfd"));
  add(inner, event, EPOLL.IN | EPOLL.ET, 0xffff_ffff_ffff_fff1n);
  add(inner, quiet, EPOLL.IN | EPOLL.EXCLUSIVE, 2n);
  add(outer, inner, EPOLL.IN, 3n);
  add(outer, event, EPOLL.OUT | EPOLL.ONESHOT, 4n);
  run.dump([outer, inner, event, quiet]);
  run.restore();
  expectSame(run);
  expect(ready(inner)).toEqual([0xffff_ffff_ffff_fff1n]);
  writeSync(quiet, new Uint8Array(new BigUint64Array([1n]).buffer));
  expect(ready(outer).sort()).toEqual([3n, 4n]);
  expect(ready(inner)).toEqual([2n]);
});

test("a oneshot target that has fired stays silent, whatever its file does", () => {
  using run = new Rehearsal();
  const epfd = run.high(check(sys(NR.epoll_create1, 0), "epoll"));
  const event = run.high(check(sys(NR.eventfd2, 1, EFD.NONBLOCK), "eventfd"));
  const other = run.high(check(sys(NR.eventfd2, 1, EFD.NONBLOCK), "eventfd"));
  const armed = run.high(check(sys(NR.eventfd2, 0, EFD.NONBLOCK), "eventfd"));
  add(epfd, event, EPOLL.IN | EPOLL.ONESHOT, 1n);
  add(epfd, other, EPOLL.IN | EPOLL.ONESHOT | EPOLL.ET, 1n);
  expect(ready(epfd)).toHaveLength(2);
  const [read = -1, write = -1] = makePipe().map((fd) => run.high(fd));
  writeSync(write, "x");
  add(epfd, read, EPOLL.IN | EPOLL.ONESHOT, 4n);
  const timer = run.high(check(sys(NR.timerfd_create, CLOCK.MONOTONIC, TFD.NONBLOCK), "timerfd_create"));
  setTimer(timer, 0, 0n, 1n);
  add(epfd, timer, EPOLL.IN | EPOLL.ONESHOT, 5n);
  Bun.sleepSync(1);
  expect(ready(epfd).sort()).toEqual([4n, 5n]);
  readSync(read, new Uint8Array(1));
  readSync(timer, new Uint8Array(8));
  add(epfd, armed, EPOLL.IN | EPOLL.ONESHOT, 3n);
  run.dump([epfd, event, other, armed, read, write, timer]);
  run.restore();
  expectSame(run);
  expect(ready(epfd)).toEqual([]);
  writeSync(armed, new Uint8Array(new BigUint64Array([1n]).buffer));
  expect(ready(epfd)).toEqual([3n]);
});

test("targets whose number was closed or given to another file are found, and keep their number", () => {
  using run = new Rehearsal();
  const epfd = run.high(check(sys(NR.epoll_create1, 0), "epoll"));
  const eventfd = (count: number) => run.high(check(sys(NR.eventfd2, count, EFD.NONBLOCK), "eventfd"));
  const first = eventfd(1);
  const kept = run.high(dupFd(first));
  add(epfd, first, EPOLL.IN, 11n);
  const second = eventfd(1);
  check(sys(NR.dup3, second, first, 0), "dup3");
  add(epfd, first, EPOLL.IN, 22n);
  const third = eventfd(1);
  check(sys(NR.dup3, third, first, 0), "dup3");
  const before = targets(epfd);
  expect(before).toHaveLength(2);
  const closed = eventfd(1);
  const closedKept = run.high(dupFd(closed));
  add(epfd, closed, EPOLL.IN, 33n);
  closeSync(closed);
  const all = targets(epfd);
  run.dump([epfd, first, kept, second, third, closedKept]);
  run.restore();
  expect(run.blockers).toEqual([]);
  expect(targets(epfd)).toEqual(all);
  expect(ready(epfd).sort()).toEqual([11n, 22n, 33n]);
});

test("a target that nobody holds any more is a blocker that says so", () => {
  using run = new Rehearsal();
  const epfd = run.high(check(sys(NR.epoll_create1, 0), "epoll"));
  const [read, write] = makePipe();
  add(epfd, read, EPOLL.IN, 1n);
  run.dump([epfd]);
  expect(run.blockers[0]?.message).toMatch(/epoll watches a file that no task/);
  for (const fd of [epfd, read, write]) closeFd(fd);
});
