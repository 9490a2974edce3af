// zdtm: {"category": "memory", "verifies": "objects, maps, strings and typed arrays of a JavaScript heap keep their contents and identity"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const shared = { kind: "shared" };
const table = new Map<string, { n: number; back: object }>();
for (let i = 0; i < 50_000; i++) table.set(`key ${i}`, { n: i * 3, back: shared });
const numbers = Float64Array.from({ length: 200_000 }, (_, i) => Math.sqrt(i));
const long = "κρύο".repeat(20_000);

await ready();
if (spoiling()) numbers[777] = -1;

check(table.size === 50_000, "the map has lost entries");
for (let i = 0; i < 50_000; i++) {
  const entry = table.get(`key ${i}`);
  check(entry?.n === i * 3 && entry.back === shared, `entry ${i} is wrong`);
}
numbers.forEach((n, i) => {
  if (n !== Math.sqrt(i)) same(n, Math.sqrt(i), `number ${i}`);
});
check(long === "κρύο".repeat(20_000), "the string has changed");
pass();
