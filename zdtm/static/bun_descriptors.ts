// zdtm: {"category": "files", "verifies": "descriptors at chosen numbers far up, duplicates and their close-on-exec come back"}
import { openSync, readlinkSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { fdinfo, libc, sys } from "../lib/libc.ts";

const [getFlags, setFlags] = [1, 2];
const base = openSync("file", "w+");
const chosen = [100, 101, 255, 511, 777, 1001, 1002];
for (const fd of chosen) sys("dup2", libc.dup2(base, fd));
for (const fd of [101, 777]) sys("fcntl", libc.fcntl(fd, setFlags, 1));
sys("lseek", libc.lseek(base, 4321, 0));
await ready();
if (spoiling()) libc.fcntl(255, setFlags, 1);
for (const fd of chosen) {
  same(readlinkSync(`/proc/self/fd/${fd}`).split("/").at(-1), "file", `the file of ${fd}`);
  same(libc.fcntl(fd, getFlags, 0), fd === 101 || fd === 777 ? 1 : 0, `close-on-exec of ${fd}`);
  same(fdinfo(fd).get("pos"), "4321", `the position of ${fd}`);
}
sys("lseek", libc.lseek(1002, 5, 0));
same(fdinfo(base).get("pos"), "5", "the shared position");
pass();
