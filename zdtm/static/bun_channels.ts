// zdtm: {"category": "threads", "verifies": "message channels and broadcast channels between workers deliver what is sent before and after"}
import { BroadcastChannel, parentPort } from "node:worker_threads";
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

if (!Bun.isMainThread) {
  parentPort?.on("message", (port: MessagePort) => {
    const channel = new BroadcastChannel("zdtm");
    channel.onmessage = (message) => port.postMessage(`broadcast ${(message as MessageEvent).data}`);
    port.onmessage = (message) => port.postMessage(`port ${message.data}`);
    port.postMessage("up");
  });
} else {
  const heard: string[] = [];
  const ports = [0, 1].map((i) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => {
      heard.push(`${i} ${event.data}`);
    };
    new Worker(import.meta.path).postMessage(port2, { transfer: [port2] });
    return port1;
  });
  const channel = new BroadcastChannel("zdtm");
  await until(() => heard.length === 2, "both workers");
  ports[0]?.postMessage("before");
  await until(() => heard.length === 3, "an answer before");
  await ready();
  if (spoiling()) heard.pop();
  ports[1]?.postMessage("after");
  channel.postMessage("to all");
  await until(() => heard.length >= 6 - Number(spoiling()), "the answers after");
  same(
    [...heard].sort(),
    ["0 broadcast to all", "0 port before", "0 up", "1 broadcast to all", "1 port after", "1 up"],
    "what was heard",
  );
  pass();
}
