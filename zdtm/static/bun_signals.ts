// zdtm: {"category": "signals", "verifies": "signal handlers of a JavaScript program run when their signals come"}
import { check, pass, ready, same, spoiling, until } from "../lib/case.ts";

const came: string[] = [];
const names = ["SIGUSR2", "SIGHUP", "SIGWINCH", "SIGCONT", "SIGINT"] as const;
for (const name of names) process.on(name, () => came.push(name));
await ready();
if (spoiling()) process.removeAllListeners("SIGWINCH");
for (const name of names) {
  process.kill(process.pid, name);
  await until(() => came.at(-1) === name || spoiling(), `${name} in its handler`);
  if (spoiling()) await Bun.sleep(20);
}
same(came, names, "the handlers that ran");
check(process.listenerCount("SIGHUP") === 1, "a listener is lost");
pass();
