// zdtm: {"category": "pipes", "verifies": "a pipeline of a shell goes on: what enters at one side leaves at the other"}
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

writeFileSync("in.log", "");
writeFileSync("kept.log", "");
const pipeline =
  'tail -n +1 -f in.log | grep --line-buffered yes | while read -r line; do echo "got $line" >> kept.log; done';
Bun.spawn(["bash", "-c", pipeline], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
const kept = () => (existsSync("kept.log") ? readFileSync("kept.log", "utf8").trim().split("\n") : []);

appendFileSync("in.log", "yes 1\nno 2\n");
await until(() => kept()[0] === "got yes 1", "the first line");
await ready();
appendFileSync("in.log", spoiling() ? "yes 0\n" : "no 3\nyes 4\n");
await until(() => kept().length >= 2, "the second line");
same(kept(), ["got yes 1", "got yes 4"], "the lines");
pass();
