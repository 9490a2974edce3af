// zdtm: {"category": "threads", "verifies": "a lock made of Atomics that workers fight for is never held by two, and no count is lost"}
import { parentPort } from "node:worker_threads";
import { check, pass, ready, same, spoiling, until } from "../lib/case.ts";

/** 0: the lock; 1: inside; 2: the plain counter; 3: the atomic counter; 4: stop; 5: ended; 6: two inside. */
if (!Bun.isMainThread) {
  parentPort?.on("message", (shared: SharedArrayBuffer) => {
    const cells = new Int32Array(shared);
    while (Atomics.load(cells, 4) === 0) {
      while (Atomics.compareExchange(cells, 0, 0, 1) !== 0) Atomics.wait(cells, 0, 1, 50);
      if (Atomics.add(cells, 1, 1) !== 0) Atomics.store(cells, 6, 1);
      cells[2] = (cells[2] ?? 0) + 1;
      Atomics.add(cells, 3, 1);
      Atomics.sub(cells, 1, 1);
      Atomics.store(cells, 0, 0);
      Atomics.notify(cells, 0, 1);
    }
    Atomics.add(cells, 5, 1);
  });
} else {
  const cells = new Int32Array(new SharedArrayBuffer(64));
  for (let i = 0; i < 4; i++) new Worker(import.meta.path).postMessage(cells.buffer);
  await until(() => (cells[3] ?? 0) > 1000, "the workers at work");
  await ready();
  const before = Atomics.load(cells, 3);
  await until(() => Atomics.load(cells, 3) > before + 1000, "the workers still at work");
  Atomics.store(cells, 4, 1);
  await until(() => Atomics.load(cells, 5) === 4, "the end of the workers");
  if (spoiling()) cells[2] = 1;
  check(cells[6] === 0, "two workers held the lock at once");
  same(cells[2], cells[3], "the counter under the lock");
  pass();
}
