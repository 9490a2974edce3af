// zdtm: {"except": {"fd 4 info": "the runtime wakes itself by it at any time"}, "category": "threads", "verifies": "a pending Atomics.waitAsync is resolved by a worker's notify, and one with a time limit by its time"}
import { parentPort } from "node:worker_threads";
import { check, pass, ready, same, spoiling, until } from "../lib/case.ts";

if (!Bun.isMainThread) {
  parentPort?.on("message", (shared: SharedArrayBuffer) => {
    const cells = new Int32Array(shared);
    Atomics.store(cells, 3, 1);
    Atomics.wait(cells, 0, 0);
    Atomics.store(cells, 1, 1);
    Atomics.notify(cells, 1);
  });
} else {
  const cells = new Int32Array(new SharedArrayBuffer(16));
  new Worker(import.meta.path).postMessage(cells.buffer);
  const untold = Atomics.waitAsync(cells, 1, 0);
  const timed = Atomics.waitAsync(cells, 2, 0, 1500);
  check(untold.async && timed.async, "waitAsync does not wait");
  let woken = false;
  void untold.value.then(() => {
    woken = true;
  });
  await until(() => cells[3] === 1, "the worker");
  await ready();
  check(!woken, "the wait has ended by itself");
  Atomics.store(cells, 0, 1);
  if (!spoiling()) Atomics.notify(cells, 0);
  same(await timed.value, "timed-out", "the wait with a time limit");
  if (spoiling()) check(woken, "the wait has not ended");
  same(await untold.value, "ok", "the wait for the worker");
  same(cells[1], 1, "what the worker has written");
  pass();
}
