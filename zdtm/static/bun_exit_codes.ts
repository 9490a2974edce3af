// zdtm: {"category": "process-tree", "verifies": "the ends of children, by code and by signal, reach the promises that wait for them"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const scripts = [
  "read x; exit 0",
  "read x; exit 7",
  "read x; exit 255",
  "read x; kill -TERM $$; sleep 100",
  "read x; kill -KILL $$",
];
const children = scripts.map((script) =>
  Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "ignore", stderr: "ignore" }),
);
const early = Bun.spawn(["sh", "-c", "exit 3"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
same(await early.exited, 3, "the child that ended before");

await ready();
check(
  children.every((c) => c.exitCode === null && c.signalCode === null),
  "a child has ended by itself",
);
if (spoiling()) children[0]?.kill("SIGKILL");
for (const child of children) {
  child.stdin.write("\n");
  await child.stdin.end();
}
await Promise.all(children.map((c) => c.exited));
same(
  children.map((c) => c.signalCode ?? c.exitCode),
  [0, 7, 255, "SIGTERM", "SIGKILL"],
  "the ends",
);
pass();
