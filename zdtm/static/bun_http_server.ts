// zdtm: {"category": "tcp", "verifies": "a Bun HTTP server goes on counting its requests on the same port"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

let count = 0;
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(`request ${++count}`) });
const url = `http://127.0.0.1:${server.port}/`;
/** By a program of its own, so that no connection of ours is open when we are dumped. */
const ask = async () => {
  const script = `console.log(await (await fetch(${JSON.stringify(url)})).text())`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return text.trim();
};
same(await ask(), "request 1", "the first answer");
await ready();
if (spoiling()) count++;
same(await ask(), "request 2", "the second answer");
same(await ask(), "request 3", "the third answer");
void server.stop(true);
pass();
