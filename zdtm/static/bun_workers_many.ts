// zdtm: {"category": "threads", "verifies": "twelve workers live on, and later some are ended and others begun"}
import { parentPort } from "node:worker_threads";
import { pass, ready, same, spoiling } from "../lib/case.ts";

if (!Bun.isMainThread) {
  let own = -1;
  parentPort?.on("message", (n: number) => {
    if (own < 0) own = n;
    postMessage(own * 2);
  });
} else {
  const ask = (worker: Worker, n: number) =>
    new Promise<number>((resolve) => {
      worker.onmessage = (event: MessageEvent<number>) => resolve(event.data);
      worker.postMessage(n);
    });
  const begin = async (n: number) => {
    const worker = new Worker(import.meta.path);
    await ask(worker, n);
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: 12 }, (_, n) => begin(n)));
  await ready();
  const answers = await Promise.all(workers.map((worker) => ask(worker, 99)));
  if (spoiling()) answers[4] = 0;
  same(
    answers,
    workers.map((_, n) => n * 2),
    "the answers",
  );
  for (const worker of workers.splice(0, 6)) await worker.terminate();
  workers.push(await begin(50), await begin(51));
  same(
    await Promise.all(workers.map((worker) => ask(worker, 99))),
    [12, 14, 16, 18, 20, 22, 100, 102],
    "later answers",
  );
  pass();
}
