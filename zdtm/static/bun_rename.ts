// zdtm: {"category": "files", "verifies": "an open file that was renamed, and one whose directory was, is still the one behind its new name"}
import { fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

mkdirSync("old");
const one = openSync("one", "w+");
const two = openSync("old/two", "a+");
writeSync(one, "first ");
writeSync(two, "second ");
renameSync("one", "uno");
renameSync("old", "new");
await ready();
if (spoiling()) renameSync("uno", "one");
writeSync(one, "goes on");
writeSync(two, "goes on");
same([fstatSync(one).ino, fstatSync(two).ino], [statSync("uno").ino, statSync("new/two").ino], "the files");
same([readFileSync("uno", "utf8"), readFileSync("new/two", "utf8")], ["first goes on", "second goes on"], "the texts");
pass();
