// zdtm: {"category": "files", "verifies": "null, zero, full and urandom behind descriptors of a JavaScript program act as before"}
import { ptr } from "bun:ffi";
import { openSync, readSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";
import { errno, libc, put } from "../lib/libc.ts";

const [nothing, zero, full, random] = ["null", "zero", "full", "urandom"].map((name) => openSync(`/dev/${name}`, "r+"));
const read = (fd = -1) => {
  const room = Buffer.alloc(64, 0xee);
  return room.subarray(0, readSync(fd, room, 0, 64, null));
};
await ready();
if (spoiling()) libc.dup2(nothing ?? -1, full ?? -1);
same(read(nothing).length, 0, "what null gives");
put(nothing ?? -1, "swallowed");
check(read(zero).equals(Buffer.alloc(64)), "zero gives something");
const byte = Buffer.from("x");
same([libc.write(full ?? -1, ptr(byte), 1), errno()], [-1, 28], "a write to full");
check(new Set(read(random)).size > 10, "urandom gives always the same");
pass();
