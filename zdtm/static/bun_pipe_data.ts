// zdtm: {"category": "pipes", "verifies": "bytes lying in pipes of all fillings are still there, in order, and empty pipes are empty"}
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { pipe, put, take } from "../lib/libc.ts";

const nonblock = 0o4000;
const fillings = [0, 1, 4095, 4096, 4097, 65535, 65536];
const text = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + (i >> 8)) & 255)).join("");
const pipes = fillings.map((length) => {
  const [reading, writing] = pipe(nonblock);
  if (length > 0) put(writing, text(length));
  return { reading, writing, length };
});
await ready();
if (spoiling()) take(pipes[4]?.reading ?? -1, 1);
for (const { reading, length } of pipes) {
  let all = "";
  for (let more = take(reading, 5000); more !== undefined; more = take(reading, 5000)) all += more;
  same(all.length, length, "bytes in a pipe");
  if (all !== text(length)) same(all, text(length), `the bytes of ${length}`);
}
pass();
