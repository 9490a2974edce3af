// zdtm: {"category": "pipes", "verifies": "two Bun programs that talk in JSON over a channel of their own go on, each with its state"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

const other = `
  let total = 0;
  process.on("message", (n) => { total += n; process.send({ total, pid: process.pid }); });
  process.send("up");
`;
const inbox: unknown[] = [];
let wake: () => void = () => {};
const child = Bun.spawn([process.execPath, "-e", other], {
  stdin: "ignore",
  stdout: "ignore",
  stderr: "ignore",
  ipc(message) {
    inbox.push(message);
    wake();
  },
});
async function next(): Promise<unknown> {
  while (inbox.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  return inbox.shift();
}
same(await next(), "up", "the first message");
child.send(5);
same(await next(), { total: 5, pid: child.pid }, "the answer before");
await ready();
child.send(spoiling() ? 8 : 7);
same(await next(), { total: 12, pid: child.pid }, "the answer after");
child.kill();
pass();
