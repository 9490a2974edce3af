// zdtm: {"category": "memory", "verifies": "strings of every make, compiled regular expressions, symbols and JSON keep working"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

let rope = "";
for (let i = 0; i < 20_000; i++) rope += `${i},`;
const wide = Array.from({ length: 5000 }, (_, i) => String.fromCodePoint(0x1f300 + (i % 500))).join("");
const slice = rope.slice(1000, 2000);
const sticky = /(\d+),(?<next>\d+),/gy;
sticky.exec(rope);
const at = sticky.lastIndex;
const symbol = Symbol.for("zdtm");
const tagged = { [symbol]: 1, own: Symbol("own") };
const parsed = JSON.parse(JSON.stringify({ rope: rope.length, nested: { list: [1, 2, { deep: wide.slice(0, 10) }] } }));
const formatter = new Intl.NumberFormat("en", { minimumFractionDigits: 2 });
const collator = ["b", "a", "C"].sort(new Intl.Collator("en").compare);

await ready();
if (spoiling()) sticky.lastIndex = 0;

check(rope.length === 108_890, `the rope has ${rope.length} characters`);
check(rope.slice(1000, 2000) === slice, "the slice differs");
check([...wide].length === 5000 && wide.codePointAt(2) === 0x1f301, "the wide string is wrong");
check(sticky.lastIndex === at, "the expression has lost its place");
same(sticky.exec(rope)?.groups?.next, "3", "the next match");
check(tagged[symbol] === 1 && Symbol.keyFor(symbol) === "zdtm", "the symbol is another");
same(parsed.nested.list[2].deep, wide.slice(0, 10), "parsed JSON");
same(formatter.format(1234.5), "1,234.50", "a formatted number");
same(collator, ["a", "b", "C"], "a sorted list");
pass();
