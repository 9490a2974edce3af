// zdtm: {"category": "epoll-fsnotify", "verifies": "eventfds hold their counts, and a nested epoll made by hand tells of the right one"}
import { ptr } from "bun:ffi";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { fdinfo, libc, sys, take } from "../lib/libc.ts";

const [add, readable] = [1, 1];
/** struct epoll_event is packed on x86-64 alone (epoll_ctl(2)). */
const dataAt = process.arch === "x64" ? 4 : 8;
const event = (data: number) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(readable, 0);
  bytes.writeUInt32LE(data, dataAt);
  return bytes;
};
const counts = [1, 2, 30, 1_000_000, 0];
const fds = counts.map((count) => sys("eventfd", libc.eventfd(count, 0o4000)));
const [inner, outer] = [sys("epoll_create1", libc.epoll_create1(0)), sys("epoll_create1", libc.epoll_create1(0))];
sys("epoll_ctl", libc.epoll_ctl(inner, add, fds[4] ?? -1, ptr(event(44))));
sys("epoll_ctl", libc.epoll_ctl(outer, add, inner, ptr(event(55))));
const waiting = (fd: number) => {
  const room = Buffer.alloc(16);
  return sys("epoll_wait", libc.epoll_wait(fd, ptr(room), 1, 0)) === 0 ? undefined : room.readUInt32LE(dataAt);
};
await ready();
same(waiting(outer), undefined, "an event without a cause");
if (spoiling()) take(fds[2] ?? -1);
for (const [i, fd] of fds.entries()) {
  same(Number.parseInt(fdinfo(fd).get("eventfd-count") ?? "", 16), counts[i], `the count of ${i}`);
}
const one = Buffer.alloc(8);
one.writeUInt32LE(1);
sys("write", libc.write(fds[4] ?? -1, ptr(one), 8));
same([waiting(outer), waiting(inner)], [55, 44], "what the epolls tell");
pass();
