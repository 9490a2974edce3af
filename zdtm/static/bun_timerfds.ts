// zdtm: {"category": "timers", "verifies": "timerfds of all clocks keep clock, flags, interval and about the time that was left"}
import { ptr } from "bun:ffi";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";
import { fdinfo, libc, sys } from "../lib/libc.ts";

const clocks = [0, 1, 7, 0, 1];
const fds = clocks.map((clock, i) => {
  const fd = sys("timerfd_create", libc.timerfd_create(clock, i % 2 === 0 ? 0o4000 : 0));
  const value = new BigInt64Array([BigInt(10 * i), 5n, BigInt(5000 + 100 * i), 0n]);
  if (i < 4) sys("timerfd_settime", libc.timerfd_settime(fd, 0, ptr(value), null));
  return fd;
});
const left = (fd: number) => {
  const value = new BigInt64Array(4);
  sys("timerfd_gettime", libc.timerfd_gettime(fd, ptr(value)));
  return [...value].map(Number);
};
await ready();
if (spoiling()) libc.timerfd_settime(fds[2] ?? -1, 0, ptr(new BigInt64Array(4)), null);
for (const [i, fd] of fds.entries()) {
  const [interval, fine, seconds = -1] = left(fd);
  same(fdinfo(fd).get("clockid"), String(clocks[i]), `the clock of ${i}`);
  same(fdinfo(fd).get("flags")?.endsWith("4002"), i % 2 === 0, `the flags of ${i}`);
  same([interval, fine], i < 4 ? [10 * i, 5] : [0, 0], `the interval of ${i}`);
  if (i < 4) check(seconds > 3000 && seconds <= 5000 + 100 * i, `timer ${i} has ${seconds} s left`);
  else same(seconds, 0, "what the timer that was never set has left");
}
pass();
