// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a program keeps its flock against a child that asks for it, on a file that was renamed as well"}
import { openSync, renameSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, sys } from "../lib/libc.ts";

const [shared, exclusive, unlock] = [1, 2, 8];
const fds = ["a", "b"].map((name) => openSync(name, "w"));
sys("flock", libc.flock(fds[0] ?? -1, exclusive));
sys("flock", libc.flock(fds[1] ?? -1, shared));
renameSync("a", "moved");
/** What util-linux' flock says: 0 when the lock was free. */
const ask = (name: string, kind: string) => Bun.spawnSync(["flock", "-n", kind, name, "true"]).exitCode;
await ready();
if (spoiling()) libc.flock(fds[1] ?? -1, unlock);
same([ask("moved", "-s"), ask("b", "-s"), ask("b", "-x")], [1, 0, 1], "what the child may have");
sys("flock", libc.flock(fds[0] ?? -1, unlock));
same(ask("moved", "-x"), 0, "the lock after it was given up");
pass();
