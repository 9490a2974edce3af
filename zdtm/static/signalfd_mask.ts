// zdtm: {"category": "epoll-fsnotify", "verifies": "a signalfd shows the mask that it was made with"}
import { ptr } from "bun:ffi";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { fdinfo, libc, sys } from "../lib/libc.ts";

const mask = (...signals: number[]) => {
  const words = new BigUint64Array(16);
  for (const n of signals) words[0] = (words[0] ?? 0n) | (1n << BigInt(n - 1));
  return words;
};
const make = (...signals: number[]) => sys("signalfd", libc.signalfd(-1, ptr(mask(...signals)), 0o4000));
const fds = [make(34), make(1, 2, 3), make(12, 40, 64), make()];
const shown = () => fds.map((fd) => fdinfo(fd).get("sigmask"));
const before = shown();
same(before[1], "0000000000000007", "the mask as the kernel shows it");
await ready();
if (spoiling()) libc.signalfd(fds[2] ?? -1, ptr(mask(1)), 0);
same(shown(), before, "the masks");
pass();
