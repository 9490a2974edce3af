// zdtm: {"category": "creds", "verifies": "a JavaScript program that gave up root comes back as that user in all its threads"}
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { check, fail, pass, ready, same, spoiling, status } from "../lib/case.ts";

process.setgroups?.([3100, 3200]);
process.setgid?.(3001);
process.setuid?.(3000);
await ready();
const should = spoiling() ? "0 0 0 0" : "3000 3000 3000 3000";
same(status(process.pid, "Uid")?.split("\t").join(" "), should, "the users");
same(status(process.pid, "Groups")?.trim(), "3100 3200", "the groups");
for (const tid of readdirSync("/proc/self/task")) {
  const uid = /^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/self/task/${tid}/status`, "utf8"))?.[1];
  same(uid, "3000", `the user of thread ${tid}`);
}
try {
  writeFileSync("/etc/a-file-of-root", "");
  fail("the program can still write where only root may");
} catch (error) {
  check(error instanceof Error && "code" in error && error.code === "EACCES", `another error: ${error}`);
}
writeFileSync("mine", "yes");
pass();
