/**
 * The server of the demo: counts its requests in memory, and writes a line for each to a log file that it holds open.
 *
 *     bun bench/demo-server.ts LOG
 */
import { openSync, writeSync } from "node:fs";

const [path = "server.log"] = process.argv.slice(2);
const log = openSync(path, "a");
/** Made once, kept nowhere but in memory: only the very same process can know it later. */
const secret = crypto.randomUUID();
let count = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch() {
    count++;
    writeSync(log, `request ${count}\n`);
    return Response.json({ count, pid: process.pid, secret }, { headers: { Connection: "close" } });
  },
});
writeSync(log, `listening on ${server.port}\n`);
