// zdtm: {"category": "memory", "verifies": "what the runtime knows of its process stays: arguments, environment, title, clocks that only rise"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

process.env.ZDTM_ADDED = "added";
const facts = () => ({
  pid: process.pid,
  ppid: process.ppid,
  argv: process.argv,
  exec: process.execPath,
  cwd: process.cwd(),
  env: { ...process.env },
  umask: process.umask(),
  title: process.title,
  groups: process.getgroups?.(),
  versions: process.versions,
});
const before = facts();
const started = performance.timeOrigin;
const clocks = () => [
  performance.now(),
  Number(process.hrtime.bigint()),
  Date.now(),
  process.uptime(),
  Bun.nanoseconds(),
];
const then = clocks();

await ready();
if (spoiling()) process.env.ZDTM_ADDED = "changed";

same(facts(), before, "the process");
check(performance.timeOrigin === started, "the origin of time has moved");
clocks().forEach((now, i) => {
  check(now >= (then[i] ?? 0), `clock ${i} has gone back from ${then[i]} to ${now}`);
});
pass();
