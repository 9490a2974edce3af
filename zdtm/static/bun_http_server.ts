// zdtm: {"category": "sockets-inet", "verifies": "an HTTP server that counts its requests in memory goes on counting on the same port"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

let count = 0;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: async (request) => {
    count += 1;
    return Response.json({ count, path: new URL(request.url).pathname, body: await request.text() });
  },
});

/** Another process asks, so that no connection of our own stays open. */
async function ask(path: string): Promise<unknown> {
  const script = `console.log(await (await fetch("http://127.0.0.1:${server.port}${path}", { method: "POST", body: "hi" })).text())`;
  const client = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await new Response(client.stdout).text();
  await client.exited;
  return JSON.parse(text);
}
for (let n = 1; n <= 3; n++) same(await ask("/before"), { count: n, path: "/before", body: "hi" }, "an answer before");

await ready();
if (spoiling()) count = 0;
for (let n = 4; n <= 6; n++) same(await ask("/after"), { count: n, path: "/after", body: "hi" }, "an answer after");
const own = await fetch(`http://127.0.0.1:${server.port}/own`);
same(await own.json(), { count: 7, path: "/own", body: "" }, "the answer to our own request");
pass();
