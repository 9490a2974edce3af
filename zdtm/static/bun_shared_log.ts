// zdtm: {"category": "files", "verifies": "a program and its child write on to one open file, whose position they share"}
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const fd = openSync("shared.log", "w");
const script = 'read -r word; echo "child says $word"; read -r word; echo "child says $word"';
const child = Bun.spawn(["bash", "-c", script], { stdin: "pipe", stdout: fd, stderr: "ignore" });
const say = async (word: string) => {
  child.stdin.write(`${word}\n`);
  await child.stdin.flush();
};
const written = async (count: number) => {
  while (readFileSync("shared.log", "utf8").split("\n").length <= count) await Bun.sleep(2);
};
writeSync(fd, "begin\n");
await say("one");
await written(2);
writeSync(fd, "between\n");
await ready();
await say(spoiling() ? "three" : "two");
await written(4);
writeSync(fd, "end\n");
closeSync(fd);
await child.exited;
const should = ["begin", "child says one", "between", "child says two", "end", ""];
same(readFileSync("shared.log", "utf8").split("\n"), should, "the log");
pass();
