// zdtm: {"category": "sockets-unix", "verifies": "a Bun HTTP server on an abstract unix socket goes on answering at its name"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

let count = 0;
const name = `\0zdtm abstract ${process.pid}`;
const server = Bun.serve({ unix: name, fetch: () => new Response(`answer ${++count}`) });
const ask = async () => {
  const script = `console.log(await (await fetch("http://x/", { unix: ${JSON.stringify(name)} })).text())`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return text.trim();
};
same(await ask(), "answer 1", "the first answer");
await ready();
if (spoiling()) count++;
same(await ask(), "answer 2", "the second answer");
void server.stop(true);
pass();
