// zdtm: {"category": "memory", "verifies": "the garbage collector goes on: survivors survive, weak references to the dead become empty"}
import { check, pass, ready, spoiling } from "../lib/case.ts";

class Node {
  constructor(
    readonly id: number,
    readonly next: Node | undefined,
  ) {}
}

let list: Node | undefined;
for (let i = 0; i < 100_000; i++) list = new Node(i, list);
const kept = { payload: new Uint8Array(1 << 20).fill(7) };
const weakToKept = new WeakRef(kept);
const weakToLost: WeakRef<object>[] = [];
let finalized = 0;
const registry = new FinalizationRegistry<number>(() => {
  finalized++;
});
(() => {
  for (let i = 0; i < 500; i++) {
    const lost = { i, data: new Array(100).fill(i) };
    weakToLost.push(new WeakRef(lost));
    registry.register(lost, i);
  }
})();

await ready();
if (spoiling()) list = list?.next;

let waste: object[] = [];
for (let round = 0; round < 20; round++) {
  waste = Array.from({ length: 20_000 }, (_, i) => ({ round, i }));
  Bun.gc(true);
  await Bun.sleep(1);
}
check(waste.length === 20_000, "the last round is there");
let count = 0;
for (let at = list; at !== undefined; at = at.next) check(at.id === 99_999 - count++, "the list is out of order");
check(count === 100_000, `the list has ${count} nodes`);
check(weakToKept.deref() === kept && kept.payload.every((b) => b === 7), "the kept object is wrong");
const dead = weakToLost.filter((ref) => ref.deref() === undefined).length;
check(dead > 400, `only ${dead} of 500 lost objects were collected`);
check(finalized > 0, "no finalizer has run");
pass();
