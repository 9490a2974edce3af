// zdtm: {"category": "process-tree", "verifies": "new processes can be begun, in every way that the runtime offers, and are the process's children"}

import { execFileSync, spawn } from "node:child_process";
import { $ } from "bun";
import { check, pass, ready, same, spoiling, status } from "../lib/case.ts";

same(await $`echo ${"before"}`.text(), "before\n", "the shell before");

await ready();
const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "ignore" });
same(status(child.pid, "PPid"), String(process.pid), "the parent of a new child");
if (spoiling()) child.kill("SIGKILL");
await child.stdin.end();
same(await child.exited, 0, "the exit code");
same(Bun.spawnSync(["sh", "-c", "exit 9"]).exitCode, 9, "the exit code of a child waited for");
same(await $`echo ${"a b"} | tr a-z A-Z`.text(), "A B\n", "the shell");
same(execFileSync("echo", ["hello"]).toString(), "hello\n", "node's way");
const ended = await new Promise<number | null>((resolve) => spawn("sh", ["-c", "exit 4"]).on("exit", resolve));
same(ended, 4, "node's event");
const bun = Bun.spawnSync([process.execPath, "-e", "console.log(6 * 7)"]);
check(bun.stdout.toString() === "42\n", `another Bun says ${bun.stdout.toString()}${bun.stderr.toString()}`);
pass();
