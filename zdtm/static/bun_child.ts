// zdtm: {"category": "process-tree", "verifies": "a conversation with a child process over its standard input and output goes on"}
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
const reader = child.stdout.getReader();
const text = new TextDecoder();
async function say(words: string): Promise<string> {
  child.stdin.write(words);
  await child.stdin.flush();
  let heard = "";
  while (heard.length < words.length) {
    const part = await reader.read();
    if (part.done) break;
    heard += text.decode(part.value, { stream: true });
  }
  return heard;
}
same(await say("before"), "before", "the answer before");

await ready();
if (spoiling()) child.kill("SIGKILL");
same(await say("after"), "after", "the answer after");
const long = "a longer text that fills the pipe more than once; ".repeat(4000);
same((await say(long)).length, long.length, "the length of a long answer");
await child.stdin.end();
same(await child.exited, 0, "the exit code");
check(child.killed === true || child.exitCode === 0, "the child has ended by itself");
pass();
