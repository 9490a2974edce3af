// zdtm: {"category": "files", "opts": ["--ghost-limit", "4M"], "verifies": "a deleted sparse file of two gigabytes is as sparse as it was"}
import { fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const size = 2 ** 31 + 12_345;
const marks = [0, 1_000_000, 700_000_000, size - 10];
const fd = openSync("sparse", "w+");
ftruncateSync(fd, size);
for (const at of marks) writeSync(fd, `at ${at}`.slice(0, 10), at);
unlinkSync("sparse");
const blocks = fstatSync(fd).blocks;
await ready();
if (spoiling()) writeSync(fd, "?", marks[2] ?? 0);
const is = fstatSync(fd);
same(is.size, size, "the size");
check(is.blocks <= blocks + 16, `${is.blocks} blocks, had ${blocks}`);
for (const at of marks) {
  const should = `at ${at}`.slice(0, 10);
  const room = Buffer.alloc(should.length);
  readSync(fd, room, 0, room.length, at);
  same(room.toString(), should, `the text at ${at}`);
}
const gap = Buffer.alloc(4096, 1);
readSync(fd, gap, 0, 4096, 1_500_000_000);
check(
  gap.every((b) => b === 0),
  "a hole holds data",
);
pass();
