// zdtm: {"category": "timers", "verifies": "a timerfd that has ticked gives its ticks to the first read after the restore, and is armed for the next"}
import { ptr } from "bun:ffi";
import { check, pass, ready, same, spoiling, until } from "../lib/case.ts";
import { fdinfo, libc, sys, take } from "../lib/libc.ts";

const nonblock = 0o4000;
const absolute = 1;
const fd = sys("timerfd_create", libc.timerfd_create(0, nonblock));
const hour = 3600n;
const start = BigInt(Math.floor(Date.now() / 1000)) - 9n * hour - 1800n;
const value = new BigInt64Array([hour, 0n, start, 0n]);
sys("timerfd_settime", libc.timerfd_settime(fd, absolute, ptr(value), null));
await until(() => fdinfo(fd).get("ticks") !== "0", "the first tick");
sys("timerfd_gettime", libc.timerfd_gettime(fd, ptr(value))); // folds all that is past into ticks
await ready();
if (spoiling()) take(fd);
sys("timerfd_gettime", libc.timerfd_gettime(fd, ptr(value)));
same(Number(value[0]), 3600, "the interval");
check(Number(value[2]) > 900 && Number(value[2]) <= 1800, `${value[2]} s are left`);
same(Buffer.from(take(fd) ?? "", "latin1").readUInt32LE(0), 10, "the ticks");
same(take(fd), undefined, "a second read");
pass();
