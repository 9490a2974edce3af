// zdtm: {"category": "fifo", "verifies": "named pipes of a JavaScript program keep their bytes: one with a name, one renamed, one deleted"}
import { renameSync, unlinkSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, put, sys, take, text } from "../lib/libc.ts";

const [both, nonblock] = [2, 0o4000];
const open = (name: string) => {
  sys("mkfifo", libc.mkfifo(text(name), 0o600));
  return sys("open", libc.open(text(name), both | nonblock, 0));
};
const fds = [open("stays"), open("moves"), open("goes")];
for (const fd of fds) put(fd, `bytes of ${fd}`);
renameSync("moves", "moved");
unlinkSync("goes");
await ready();
if (spoiling()) put(fds[2] ?? -1, "!");
for (const fd of fds) same(take(fd), `bytes of ${fd}`, `the pipe ${fd}`);
for (const [i, name] of ["stays", "moved"].entries()) {
  const other = sys("open", libc.open(text(name), 1 | nonblock, 0));
  put(other, "more");
  same(take(fds[i] ?? -1), "more", `what came through ${name}`);
}
for (const fd of fds) same(take(fd), undefined, "what is left");
pass();
