// zdtm: {"category": "files", "verifies": "a log that a JavaScript program writes through a stream and a sink grows on without gap or repetition"}
import { createWriteStream, readFileSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const stream = createWriteStream("stream.log", { flags: "a" });
const sink = Bun.file("sink.log").writer();
const line = async (text: string) => {
  await new Promise((resolve) => stream.write(`${text}\n`, resolve));
  sink.write(`${text}\n`);
  await sink.flush();
};
const lines: string[] = [];
for (let i = 0; i < 100; i++) {
  lines.push(`line ${i}`);
  await line(`line ${i}`);
  if (i === 49) await ready();
}
if (spoiling()) await line("one more");
const should = `${lines.join("\n")}\n`;
same(readFileSync("stream.log", "utf8"), should, "the log of the stream");
same(readFileSync("sink.log", "utf8"), should, "the log of the sink");
pass();
