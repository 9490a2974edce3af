// zdtm: {"category": "process-tree", "verifies": "a shell pipeline of four processes goes on filtering what it is fed"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

const line = "while read a; do echo $a; done | sed -u s/o/0/g | grep --line-buffered -v no | cat -u";
const pipeline = Bun.spawn(["sh", "-c", line], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
const reader = pipeline.stdout.getReader();
const text = new TextDecoder();
let heard = "";
async function feed(words: string, until: string): Promise<void> {
  pipeline.stdin.write(words);
  await pipeline.stdin.flush();
  while (!heard.endsWith(until)) {
    const part = await reader.read();
    if (part.done) return;
    heard += text.decode(part.value);
  }
}
await feed("one\nnope\ntwo\n", "tw0\n");

await ready();
if (spoiling()) pipeline.kill("SIGKILL");
await feed("three\nfour\nfoo\n", "f00\n");
await pipeline.stdin.end();
same(await pipeline.exited, 0, "the exit code");
same(heard.split("\n"), ["0ne", "n0pe", "tw0", "three", "f0ur", "f00", ""], "what came out");
pass();
