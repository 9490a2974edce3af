// zdtm: {"category": "threads", "verifies": "workers that exchange messages without a pause lose none and reorder none"}
import { parentPort } from "node:worker_threads";
import { check, going, listen, markReady, pass, spoiling } from "../lib/case.ts";

if (!Bun.isMainThread) {
  let last = 0;
  parentPort?.on("message", (n: number) => {
    parentPort?.postMessage(n === last + 1 ? n : -n);
    last = n;
  });
} else {
  let rounds = 0;
  const play = (worker: Worker) =>
    new Promise<void>((resolve) => {
      let n = 1;
      worker.onmessage = (event) => {
        check(event.data === n, `message ${n} came back as ${event.data}`);
        rounds++;
        if (!going()) return resolve();
        n += spoiling() && n === 5 ? 2 : 1;
        worker.postMessage(n);
      };
      worker.postMessage(n);
    });
  const games = [0, 1, 2].map(() => play(new Worker(import.meta.path)));
  void listen();
  markReady();
  await Promise.all(games);
  check(rounds >= 3, "no message has come back");
  pass();
}
