// zdtm: {"category": "memory", "verifies": "a file that Bun.mmap shares shows writes of either side"}
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { check, pass, ready, spoiling } from "../lib/case.ts";

writeFileSync("mapped", new Uint8Array(1 << 20).fill(65));
const view = Bun.mmap("mapped", { shared: true });
view[5] = 66;

await ready();
if (spoiling()) view[5] = 0;

check(view.length === 1 << 20, `the view has ${view.length} bytes`);
check(view[5] === 66 && view[6] === 65, "the view is wrong");
view[100_000] = 67;
check(readFileSync("mapped")[100_000] === 67, "a write to the view does not reach the file");
const fd = openSync("mapped", "r+");
writeSync(fd, "Z", 200_000);
closeSync(fd);
check(view[200_000] === 90, "a write to the file does not reach the view");
pass();
