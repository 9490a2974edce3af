// zdtm: {"category": "signals", "verifies": "a parent learns after the restore by which signal or code its child processes end"}
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

const sleeper = () => Bun.spawn(["sleep", "1000"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
const [killed, ended] = [sleeper(), Bun.spawn(["cat"], { stdin: "pipe", stdout: "ignore", stderr: "ignore" })];
const told: string[] = [];
void killed.exited.then(() => told.push(`killed by ${killed.signalCode}`));
await ready();
killed.kill(spoiling() ? "SIGKILL" : "SIGUSR1");
await until(() => told.length > 0, "the end of the first child");
same(told, ["killed by SIGUSR1"], "what was told");
await ended.stdin.end();
same(await ended.exited, 0, "the exit code of the second child");
pass();
