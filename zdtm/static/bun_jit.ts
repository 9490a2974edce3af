// zdtm: {"category": "arch-regs", "verifies": "functions that the engine has compiled to machine code give the same results, and new ones are compiled"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

function mandelbrot(size: number): number {
  let inside = 0;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [cr, ci] = [(x * 3) / size - 2.2, (y * 3) / size - 1.5];
      let [zr, zi, n] = [0, 0, 0];
      while (n < 60 && zr * zr + zi * zi < 4) {
        [zr, zi] = [zr * zr - zi * zi + cr, 2 * zr * zi + ci];
        n++;
      }
      inside += n;
    }
  return inside;
}

function mix(seed: number, rounds: number): number {
  let state = seed | 0;
  for (let i = 0; i < rounds; i++) state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i) | 0;
  return state;
}

const source = "let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) % 1000003; return s;";
const results = () => [mandelbrot(120), mix(7, 300_000), new Function("n", source)(200_000)];
let before: number[] = [];
for (let i = 0; i < 5; i++) before = results();

await ready();
if (spoiling()) before[1] = 0;

for (let i = 0; i < 5; i++) same(results(), before, "the results");
const fresh: (n: number) => number = (n) => {
  let sum = 0;
  for (let i = 1; i <= n; i++) sum += 1 / (i * i);
  return sum;
};
for (let i = 0; i < 20; i++) check(Math.abs(fresh(100_000) - 1.6449240668982423) < 1e-9, "the new function is wrong");
pass();
