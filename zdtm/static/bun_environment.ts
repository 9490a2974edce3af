// zdtm: {"category": "misc", "env": {"GIVEN": "from outside", "EMPTY": ""}, "verifies": "a JavaScript program keeps its environment, arguments, title and umask"}
import { readFileSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

process.env.LATER = "from inside";
process.title = "a title";
process.umask(0o051);
const view = () => ({
  given: process.env.GIVEN,
  empty: process.env.EMPTY,
  later: process.env.LATER,
  argv: process.argv,
  exec: process.execPath,
  pid: process.pid,
  parent: readFileSync("/proc/self/cmdline", "latin1"),
  comm: readFileSync("/proc/self/comm", "utf8"),
  mask: process.umask(),
});
const before = view();
await ready();
if (spoiling()) process.umask(0o052);
same(view(), before, "what the program sees of itself");
pass();
