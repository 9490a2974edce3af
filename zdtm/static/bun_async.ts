// zdtm: {"category": "misc", "verifies": "promises, generators, microtasks and closures of a JavaScript program are where they were"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

function* count() {
  for (let i = 0; ; i++) yield i;
}
const counter = count();
for (let i = 0; i < 10; i++) counter.next();
let open: (value: string) => void = () => {};
const gate = new Promise<string>((resolve) => {
  open = resolve;
});
const log: string[] = [];
const waiting = (async () => {
  log.push("waits");
  log.push(await gate);
  return log.length;
})();
const weak = new WeakMap<object, string>();
const key = { name: "key" };
weak.set(key, "still here");
const big = 3n ** 1000n;
const symbol = Symbol.for("zdtm");
await ready();
if (spoiling()) counter.next();
same(counter.next().value, 10, "the generator's next value");
same(log, ["waits"], "the log before the gate opens");
open("opened");
same(await waiting, 2, "the result of the waiting function");
same(weak.get(key), "still here", "the entry of the weak map");
check(big === 3n ** 1000n && symbol === Symbol.for("zdtm"), "a number or a symbol has changed");
pass();
