// zdtm: {"category": "memory", "verifies": "a heap that grows, is collected and checked without a pause stays whole"}
import { check, going, listen, markReady, pass, spoiling } from "../lib/case.ts";

interface Item {
  n: number;
  text: string;
  bytes: Uint8Array;
}

const live = new Map<number, Item>();
const make = (n: number): Item => ({ n, text: `item ${n}`, bytes: new Uint8Array(64 + (n % 5000)).fill(n & 255) });
void listen();
markReady();
for (let turn = 0; going() || turn < 50; turn++) {
  for (let i = 0; i < 200; i++) {
    const n = turn * 200 + i;
    live.set(n, make(n));
    live.delete(n - 3000);
  }
  if (spoiling() && turn === 10) live.set(2000, make(7));
  for (const [n, item] of live)
    check(item.n === n && item.text === `item ${n}` && item.bytes[item.bytes.length - 1] === (n & 255), `item ${n}`);
  if (turn % 20 === 0) Bun.gc(true);
  await Bun.sleep(0);
}
check(live.size === 3000, `${live.size} items are alive`);
pass();
