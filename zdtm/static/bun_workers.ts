// zdtm: {"category": "threads", "verifies": "workers keep their state and answer messages"}
import { parentPort } from "node:worker_threads";
import { check, fail, pass, ready, same, spoiling } from "../lib/case.ts";

if (!Bun.isMainThread) {
  let sum = 0;
  const seen = new Map<number, string>();
  parentPort?.on("message", (n: number) => {
    sum += n;
    seen.set(n, `message ${n}`);
    postMessage({ sum, seen: seen.size });
  });
} else {
  const workers = Array.from({ length: 3 }, () => new Worker(import.meta.path));
  const ask = (worker: Worker, n: number) =>
    new Promise<{ sum: number; seen: number }>((resolve) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => fail(event.message);
      worker.postMessage(n);
    });
  for (const [i, worker] of workers.entries()) for (let n = 1; n <= 10; n++) await ask(worker, n * (i + 1));
  await ready();
  if (spoiling()) workers[1] = new Worker(import.meta.path);
  for (const [i, worker] of workers.entries())
    same(await ask(worker, 1000), { sum: 55 * (i + 1) + 1000, seen: 11 }, `worker ${i}`);
  check(workers.length === 3, "three workers");
  pass();
}
