// zdtm: {"category": "timers", "verifies": "timers of a JavaScript program tick on, and one that is far away does not come early"}
import { check, pass, ready, spoiling, until } from "../lib/case.ts";

let ticks = 0;
let early = false;
const every = setInterval(() => ticks++, 15);
const far = setTimeout(() => {
  early = true;
}, 1_000_000);
let soon = 0;
setTimeout(() => soon++, 400);
await ready();
if (spoiling()) early = true;
const before = ticks;
await until(() => ticks > before + 3, "three more ticks");
await until(() => soon === 1, "the timeout of 400 ms");
check(!early, "a timeout came a quarter of an hour early");
clearInterval(every);
clearTimeout(far);
pass();
