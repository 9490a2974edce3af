// zdtm: {"category": "memory", "verifies": "large, resizable, transferred and shared buffers keep their bytes and sizes"}
import { check, pass, ready, spoiling } from "../lib/case.ts";

function fill(view: Uint8Array, seed: number): void {
  let state = seed;
  for (let i = 0; i < view.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    view[i] = state >>> 24;
  }
}

function digest(view: Uint8Array): string {
  return Bun.hash.wyhash(view).toString(16);
}

const large = new Uint8Array(24 << 20);
const resizable = new ArrayBuffer(1 << 20, { maxByteLength: 8 << 20 });
resizable.resize(3 << 20);
const transferred = new ArrayBuffer(1 << 20).transfer();
const shared = new Uint8Array(new SharedArrayBuffer(1 << 20));
const small = Array.from({ length: 2000 }, (_, i) => Buffer.from(`buffer ${i}`));
fill(large, 1);
fill(new Uint8Array(resizable), 2);
fill(new Uint8Array(transferred), 3);
fill(shared, 4);
const views = () => [large, new Uint8Array(resizable), new Uint8Array(transferred), shared];
const before = views().map(digest);

await ready();
if (spoiling()) large[12345] = (large[12345] ?? 0) ^ 1;

views().forEach((view, i) => {
  check(digest(view) === before[i], `buffer ${i} has changed`);
});
small.forEach((buffer, i) => {
  check(buffer.toString() === `buffer ${i}`, `small buffer ${i} has changed`);
});
check(resizable.byteLength === 3 << 20 && resizable.maxByteLength === 8 << 20, "the resizable buffer has other sizes");
resizable.resize(8 << 20);
check(new Uint8Array(resizable)[5 << 20] === 0, "the grown part is not empty");
pass();
