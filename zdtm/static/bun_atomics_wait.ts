// zdtm: {"category": "threads", "verifies": "workers blocked in Atomics.wait stay blocked until they are notified, or until their time is over"}
import { parentPort } from "node:worker_threads";
import { check, pass, ready, same, spoiling, until } from "../lib/case.ts";

/** 0: workers that wait; 1: what they wait for; 2: woken; 3: timed out; 4: never written. */
if (!Bun.isMainThread) {
  parentPort?.on("message", (told: { shared: SharedArrayBuffer; timed: boolean }) => {
    const cells = new Int32Array(told.shared);
    Atomics.add(cells, 0, 1);
    if (told.timed) {
      if (Atomics.wait(cells, 4, 0, 1500) === "timed-out") Atomics.add(cells, 3, 1);
    } else if (Atomics.wait(cells, 1, 0) === "ok") Atomics.add(cells, 2, 1);
  });
} else {
  const shared = new SharedArrayBuffer(64);
  const cells = new Int32Array(shared);
  for (let i = 0; i < 4; i++) new Worker(import.meta.path).postMessage({ shared, timed: i === 3 });
  await until(() => cells[0] === 4, "four workers that wait");
  await ready();
  if (spoiling()) cells[2] = 1;
  same(cells[2], 0, "workers that woke by themselves");
  Atomics.store(cells, 1, 1);
  check(Atomics.notify(cells, 1) >= 0, "notify");
  await until(() => Atomics.notify(cells, 1) >= 0 && cells[2] === 3, "three workers woken");
  await until(() => cells[3] === 1, "the time of the fourth worker");
  pass();
}
