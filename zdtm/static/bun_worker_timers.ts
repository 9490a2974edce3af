// zdtm: {"category": "threads", "verifies": "intervals, timeouts and microtasks of workers go on ticking in each of them"}
import { parentPort } from "node:worker_threads";
import { check, pass, ready, spoiling, until } from "../lib/case.ts";

if (!Bun.isMainThread) {
  parentPort?.on("message", ({ shared, n }: { shared: SharedArrayBuffer; n: number }) => {
    const cells = new Int32Array(shared);
    setInterval(() => Atomics.add(cells, n, 1), 20 + n);
    setTimeout(() => Atomics.store(cells, 10 + n, 1), 1200);
  });
} else {
  const shared = new SharedArrayBuffer(128);
  const cells = new Int32Array(shared);
  for (let n = 0; n < 3; n++) new Worker(import.meta.path).postMessage({ shared, n });
  await until(() => [0, 1, 2].every((n) => (cells[n] ?? 0) > 2), "ticks of all workers");
  await ready();
  if (spoiling()) cells[1] = 0;
  const before = [...cells];
  check(
    [0, 1, 2].every((n) => (before[n] ?? 0) > 2),
    "the count of ticks is lost",
  );
  await until(() => [0, 1, 2].every((n) => (cells[n] ?? 0) > (before[n] ?? 0) + 3), "more ticks of all workers");
  await until(() => [10, 11, 12].every((n) => cells[n] === 1), "the timeouts of all workers");
  pass();
}
