// zdtm: {"category": "files", "verifies": "deleted files of a JavaScript program keep bytes, size and mode, and stay deleted"}
import { existsSync, fchmodSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const ghosts = [0, 1, 4096, 100_000, 900_000].map((size, i) => {
  const name = `ghost-${i}`;
  const fd = openSync(name, "w+");
  const bytes = Buffer.alloc(size, `contents of ${name} `);
  if (size > 0) writeSync(fd, bytes);
  fchmodSync(fd, 0o600 + i);
  unlinkSync(name);
  return { name, fd, bytes, mode: 0o600 + i };
});
await ready();
if (spoiling()) writeSync(ghosts[2]?.fd ?? -1, "!", 5);
for (const { name, fd, bytes, mode } of ghosts) {
  const is = fstatSync(fd);
  same([is.size, is.mode & 0o777, is.nlink], [bytes.length, mode, 0], `size, mode and names of ${name}`);
  const got = Buffer.alloc(bytes.length + 1);
  same(readSync(fd, got, 0, got.length, 0), bytes.length, `what can be read of ${name}`);
  check(got.subarray(0, bytes.length).equals(bytes), `the bytes of ${name} are wrong`);
  check(!existsSync(name), `${name} is back`);
}
pass();
