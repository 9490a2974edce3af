/**
 * A client of redis that asks once a millisecond and checks every answer. At SIGUSR1 it writes to FILE the longest time, in
 * milliseconds, that an answer took since the last time, and ends when one is wrong or the connection is closed.
 *
 *     bun bench/asker.ts PORT FILE
 */
import { renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const [, , port = "", file = ""] = process.argv;
const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
let longest = 0;
let number = 0;
let heard = "";
let asked = 0;

function ask(): void {
  asked = performance.now();
  socket.write(`ECHO ${++number}\r\n`);
}

socket.on("connect", ask);
socket.on("close", () => process.exit(1));
socket.on("data", (bytes) => {
  heard += bytes;
  const wanted = `$${`${number}`.length}\r\n${number}\r\n`;
  if (heard.length < wanted.length) return;
  if (heard !== wanted) throw new Error(`${JSON.stringify(heard)} came, not ${JSON.stringify(wanted)}`);
  heard = "";
  const took = performance.now() - asked;
  longest = Math.max(longest, took);
  setTimeout(ask, Math.max(0, 1 - took));
});
process.on("SIGUSR1", () => {
  writeFileSync(`${file}.part`, `${longest}`);
  renameSync(`${file}.part`, file);
  longest = 0;
});
