// zdtm: {"category": "files", "verifies": "fifty open files keep their positions, and go on reading from there"}
import { openSync, readSync, writeFileSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const numbers = Array.from({ length: 50 }, (_, i) => i);
const text = (i: number) => `${`file ${i} `.repeat(40)}end`;
const fds = numbers.map((i) => {
  writeFileSync(`f${i}`, text(i));
  return openSync(`f${i}`, "r");
});
const take = (fd: number, bytes: number) => {
  const room = Buffer.alloc(bytes);
  return room.toString("utf8", 0, readSync(fd, room, 0, bytes, null));
};
const first = fds.map((fd, i) => take(fd, 3 * i + 1));
await ready();
if (spoiling()) take(fds[7] ?? -1, 1);
for (const [i, fd] of fds.entries()) same((first[i] ?? "") + take(fd, 10_000), text(i), `file ${i}`);
pass();
