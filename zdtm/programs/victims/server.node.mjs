/** A server for Node that counts requests and ticks in memory, and writes a line for each request to an open log. */
import { randomUUID } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const log = openSync("log", "a");
const secret = randomUUID();
let count = 0;
let ticks = 0;
setInterval(() => ticks++, 10);

const server = createServer((_request, response) => {
  writeSync(log, `request ${++count}\n`);
  response.setHeader("Connection", "close");
  response.end(JSON.stringify({ pid: process.pid, count, ticks, secret }));
});
server.listen(0, "127.0.0.1", () => writeSync(1, `port ${server.address().port}\n`));
