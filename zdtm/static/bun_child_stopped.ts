// zdtm: {"category": "process-tree", "verifies": "a child that was stopped stays stopped until it is continued, and then answers"}
import { readFileSync } from "node:fs";
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

const state = (pid: number) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
child.kill("SIGSTOP");
await until(() => state(child.pid) === "T", "the child stopped");
child.stdin.write("for later");
await child.stdin.flush();

await ready();
if (spoiling()) child.kill("SIGCONT");
if (spoiling()) await until(() => state(child.pid) !== "T", "the child on its way");
same(state(child.pid), "T", "the state of the child");
child.kill("SIGCONT");
await child.stdin.end();
same(await new Response(child.stdout).text(), "for later", "the answer");
same(await child.exited, 0, "the exit code");
pass();
