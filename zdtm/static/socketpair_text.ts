// zdtm: {"category": "sockets-unix", "verifies": "socket pairs of a JavaScript program keep the texts queued in them, message by message"}
import { ptr } from "bun:ffi";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, put, sys, take } from "../lib/libc.ts";

const [unix, nonblock] = [1, 0o4000];
const kinds = { stream: 1, datagram: 2, packet: 5 };
const pairs = Object.entries(kinds).map(([name, type]) => {
  const ends = new Int32Array(2);
  sys("socketpair", libc.socketpair(unix, type | nonblock, 0, ptr(ends)));
  const [left = -1, right = -1] = ends;
  for (const text of ["a", "bb", "ccc"]) put(left, text);
  put(right, "back");
  return { name, left, right };
});
await ready();
if (spoiling()) put(pairs[1]?.left ?? -1, "more");
for (const { name, left, right } of pairs) {
  const texts = [take(right), take(right), take(right), take(right)].filter((t) => t !== undefined);
  same(texts, name === "stream" ? ["abbccc"] : ["a", "bb", "ccc"], `the texts of the ${name} pair`);
  same(take(left), "back", `the way back of the ${name} pair`);
}
pass();
