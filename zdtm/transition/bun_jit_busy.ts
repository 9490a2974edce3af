// zdtm: {"category": "arch-regs", "verifies": "compiled code that computes without a pause gives the right sums"}
import { check, going, listen, markReady, pass, spoiling } from "../lib/case.ts";

function sum(seed: number): number {
  let [a, b] = [seed | 0, 0.5];
  for (let i = 1; i < 200_000; i++) {
    a = (Math.imul(a ^ (a >>> 13), 0x5bd1e995) + i) | 0;
    b = Math.abs(Math.sin(b * i)) + (a & 255) / 256;
  }
  return a + b;
}

const expected = [1, 2, 3].map(sum);
if (spoiling()) expected[1] = 0;
void listen();
markReady();
while (going()) {
  [1, 2, 3].forEach((seed, i) => {
    check(sum(seed) === expected[i], `the sum of ${seed} is wrong`);
  });
  await Bun.sleep(0);
}
pass();
