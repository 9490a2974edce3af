// zdtm: {"category": "files", "verifies": "a directory that is being read goes on where it was: every name once"}
import { mkdirSync, opendirSync, writeFileSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

mkdirSync("dir");
const names = Array.from({ length: 500 }, (_, i) => `entry-${String(i).padStart(3, "0")}`);
for (const name of names) writeFileSync(`dir/${name}`, "");
const dir = opendirSync("dir");
const seen: string[] = [];
for (let i = 0; i < 20; i++) seen.push(dir.readSync()?.name ?? "");
await ready();
if (spoiling()) dir.readSync();
for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) seen.push(entry.name);
same(seen.sort(), names, "the names");
dir.closeSync();
pass();
