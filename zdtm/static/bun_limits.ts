// zdtm: {"category": "misc", "verifies": "limits, nice value and out-of-memory adjustment of a JavaScript program and its child come back"}

import { ptr } from "bun:ffi";
import { readFileSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { pass, ready, same, spoiling } from "../lib/case.ts";
import { libc, sys } from "../lib/libc.ts";

const [files, core] = [7, 4];
const set = (what: number, soft: bigint, hard: bigint) =>
  sys("setrlimit", libc.setrlimit(what, ptr(new BigUint64Array([soft, hard]))));
const child = Bun.spawn(["sleep", "1000"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
set(files, 300n, 400n);
set(core, 0n, 4096n);
setPriority(child.pid, 11);
writeFileSync("/proc/self/oom_score_adj", "77");
writeFileSync(`/proc/${child.pid}/oom_score_adj`, "88");
const view = () => ({
  limits: readFileSync("/proc/self/limits", "utf8").match(/^Max (core file size|open files) +\S+ +\S+/gm),
  other: readFileSync(`/proc/${child.pid}/limits`, "utf8"),
  nice: [getPriority(), getPriority(child.pid)],
  adjust: ["self", child.pid].map((pid) => readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim()),
});
const before = view();
same(before.adjust, ["77", "88"], "the adjustment before");
await ready();
if (spoiling()) set(files, 299n, 400n);
same(view(), before, "limits and priorities");
child.kill();
pass();
