// zdtm: {"category": "creds", "verifies": "capabilities dropped from the bounding set of the main thread stay dropped"}
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, sys } from "../lib/libc.ts";

const readOne = 23;
const dropOne = 24;
const dropped = [2, 7, 21, 30];
const read = () => Array.from({ length: 38 }, (_, cap) => sys("prctl", libc.prctl(readOne, cap, 0, 0, 0)));
const before = read();
for (const cap of dropped) sys("prctl", libc.prctl(dropOne, cap, 0, 0, 0));
await ready();
if (spoiling()) libc.prctl(dropOne, 8, 0, 0, 0);
const gone = read().flatMap((is, cap) => (is < (before[cap] ?? 0) ? [cap] : []));
same(gone, dropped, "the capabilities that are gone");
pass();
