// zdtm: {"category": "epoll-fsnotify", "verifies": "inotify watches keep their numbers and masks, as the kernel itself shows them"}
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, sys, take, text } from "../lib/libc.ts";

const [nonblock, attrib, create, onlyDir, deleteSelf] = [0o4000, 0x4, 0x100, 0x1000000, 0x400];
const fd = sys("inotify_init1", libc.inotify_init1(nonblock));
const masks = [attrib, create | onlyDir, deleteSelf, attrib | create | deleteSelf];
const watches = masks.map((mask, i) => {
  if (i % 2 === 1) mkdirSync(`d${i}`);
  else writeFileSync(`d${i}`, "");
  return sys("inotify_add_watch", libc.inotify_add_watch(fd, text(`d${i}`), mask));
});
const shown = () =>
  [...readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").matchAll(/^inotify wd:(\w+) .* mask:(\w+)/gm)]
    .map((m) => `${Number.parseInt(m[1] ?? "", 16)}:${m[2]}`)
    .sort();
const before = shown();
check(before.length === 4, "there are four watches");
await ready();
if (spoiling()) libc.inotify_add_watch(fd, text("d0"), deleteSelf);
same(shown(), before, "the watches");
same(take(fd), undefined, "an event without a cause");
writeFileSync("d1/new", "");
const event = Buffer.from(take(fd) ?? "", "latin1");
same([event.readInt32LE(0), event.readUInt32LE(4)], [watches[1], create], "watch and mask of the event");
pass();
