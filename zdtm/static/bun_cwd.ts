// zdtm: {"category": "files", "verifies": "the current directory of a JavaScript program and of its child is where relative names lead"}
import { existsSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const start = process.cwd();
mkdirSync("deep/deeper", { recursive: true });
mkdirSync("other");
const child = Bun.spawn(["sleep", "1000"], { cwd: "other", stdin: "ignore", stdout: "ignore", stderr: "ignore" });
process.chdir("deep/deeper");
await ready();
if (spoiling()) process.chdir("/");
same(readlinkSync("/proc/self/cwd"), `${start}/deep/deeper`, "the current directory");
same(readlinkSync(`/proc/${child.pid}/cwd`), `${start}/other`, "the child's current directory");
writeFileSync("made-here", "");
check(existsSync(`${start}/deep/deeper/made-here`), "a relative name leads elsewhere");
child.kill();
pass();
