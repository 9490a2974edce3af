// zdtm: {"category": "epoll-fsnotify", "verifies": "streams that wait for bytes of named pipes and sockets get those that come after the restore"}
import { createReadStream } from "node:fs";
import { pass, ready, same, spoiling, until } from "../lib/case.ts";
import { libc, put, sys, text } from "../lib/libc.ts";

const [readWrite, nonblock] = [2, 0o4000];
const got = new Map<string, string>();
// each read of a pipe keeps a thread of Bun's pool until bytes come, and of those there are at least two: a third may starve
const names = ["first", "second"];
const ends = names.map((name) => {
  sys("mkfifo", libc.mkfifo(text(name), 0o600));
  const stream = createReadStream(name);
  stream.on("data", (bytes) => void got.set(name, (got.get(name) ?? "") + bytes.toString()));
  return sys("open", libc.open(text(name), readWrite | nonblock, 0));
});
for (const [i, fd] of ends.entries()) put(fd, `before ${i};`);
await until(() => names.every((name) => got.has(name)), "the bytes before");
await ready();
for (const [i, fd] of ends.entries()) put(fd, spoiling() ? "never" : `after ${i}`);
await until(() => names.every((name) => (got.get(name)?.length ?? 0) > 9), "the bytes after");
same(
  names.map((name) => got.get(name)),
  names.map((_, i) => `before ${i};after ${i}`),
  "the bytes",
);
pass();
