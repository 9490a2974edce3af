// zdtm: {"category": "files", "verifies": "writers and readers of files that are under way go on where they were"}
import { appendFileSync, createReadStream, openSync, readSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const sink = Bun.file("written").writer();
sink.write("before ");
await sink.flush();
await Bun.write("read", Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join(""));
const lines = createReadStream("read", { highWaterMark: 100 });
const chunks = lines[Symbol.asyncIterator]();
let text = String((await chunks.next()).value);
const fd = openSync("read", "r");
const some = Buffer.alloc(7);
readSync(fd, some);

await ready();
if (spoiling()) appendFileSync("written", "in between ");
sink.write("after");
await sink.end();
same(await Bun.file("written").text(), "before after", "the written file");
for (let part = await chunks.next(); part.done !== true; part = await chunks.next()) text += String(part.value);
same(text.length, 8890, "the length of what was read");
readSync(fd, some);
same(some.toString(), "line 1\n", "the second line");
pass();
