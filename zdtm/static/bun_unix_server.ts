// zdtm: {"category": "sockets-unix", "verifies": "a server on a unix socket takes connections at its path"}
import { existsSync } from "node:fs";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

let served = 10;
const server = Bun.serve({ unix: `${process.cwd()}/server.sock`, fetch: () => new Response(`served ${++served}`) });

await ready();
if (spoiling()) server.stop(true);
check(existsSync("server.sock") || spoiling(), "the socket's file is gone");
for (const n of [11, 12]) {
  const answer = await fetch("http://localhost/", { unix: "./server.sock" });
  same(await answer.text(), `served ${n}`, "the answer");
}
pass();
