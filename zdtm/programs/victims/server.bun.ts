/** A server for Bun that counts requests and ticks in memory, and writes a line for each request to an open log. */
import { openSync, writeSync } from "node:fs";

const log = openSync("log", "a");
const secret = crypto.randomUUID();
let count = 0;
let ticks = 0;
setInterval(() => ticks++, 10);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch() {
    writeSync(log, `request ${++count}\n`);
    return Response.json({ pid: process.pid, count, ticks, secret }, { headers: { Connection: "close" } });
  },
});
writeSync(1, `port ${server.port}\n`);
