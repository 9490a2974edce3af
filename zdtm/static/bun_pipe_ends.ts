// zdtm: {"category": "pipes", "verifies": "pipes that lost one of their ends give what is left and then their end, or refuse"}
import { ptr } from "bun:ffi";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { errno, libc, pipe, put, sys, take } from "../lib/libc.ts";

const nonblock = 0o4000;
const [full, empty, unread] = [pipe(nonblock), pipe(nonblock), pipe(nonblock)];
put(full[1], "what is left");
put(unread[1], "what nobody reads");
for (const fd of [full[1], empty[1], unread[0]]) sys("close", libc.close(fd));
await ready();
if (spoiling()) take(full[0], 4);
same([take(full[0]), take(full[0])], ["what is left", ""], "the full pipe");
same(take(empty[0]), "", "the empty pipe");
const byte = Buffer.from("x");
same([libc.write(unread[1], ptr(byte), 1), errno()], [-1, 32], "a write that nobody will read");
pass();
