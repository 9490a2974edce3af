// zdtm: {"category": "memory", "verifies": "suspended generators, async functions, closures and pending promises go on where they were"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

function* fibonacci(): Generator<number> {
  let [a, b] = [0, 1];
  for (;;) {
    yield a;
    [a, b] = [b, a + b];
  }
}

async function* ticks(gate: Promise<number>): AsyncGenerator<number> {
  yield 1;
  yield await gate;
  yield 3;
}

const numbers = fibonacci();
for (let i = 0; i < 20; i++) numbers.next();
let open: (n: number) => void = () => {};
const gate = new Promise<number>((resolve) => {
  open = resolve;
});
const stream = ticks(gate);
same((await stream.next()).value, 1, "the first tick");
const second = stream.next();
const order: string[] = [];
const chain = gate.then((n) => order.push(`then ${n}`)).finally(() => order.push("finally"));
const race = Promise.race([gate, new Promise<number>(() => {})]);
const counter = (() => {
  let n = 40;
  return () => ++n;
})();
counter();

await ready();
if (spoiling()) numbers.next();

same(numbers.next().value, 6765, "the next Fibonacci number");
check(order.length === 0, "the chain has run already");
open(2);
same((await second).value, 2, "the second tick");
same((await stream.next()).value, 3, "the third tick");
await chain;
same(order, ["then 2", "finally"], "the chain");
same(await race, 2, "the race");
same(counter(), 42, "the closure");
pass();
