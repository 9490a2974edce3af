// zdtm: {"category": "epoll-fsnotify", "verifies": "a file watcher of a JavaScript program still tells of changes in its directory"}
import { mkdirSync, watch, writeFileSync } from "node:fs";
import { pass, ready, spoiling, until } from "../lib/case.ts";

mkdirSync("watched");
const told = new Set<string>();
const watcher = watch("watched", (_, name) => told.add(String(name)));
writeFileSync("watched/before", "");
await until(() => told.has("before"), "the event before");
await ready();
if (spoiling()) watcher.close();
writeFileSync("watched/after", "");
if (spoiling()) await Bun.sleep(50);
if (spoiling() && !told.has("after")) throw new Error("a closed watcher tells nothing");
await until(() => told.has("after"), "the event after");
watcher.close();
pass();
