// zdtm: {"category": "pipes", "verifies": "a program and its child go on talking through the child's standard input and output"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
const reader = child.stdout.getReader();
const decoder = new TextDecoder();

async function answer(length: number): Promise<string> {
  let all = "";
  while (all.length < length) {
    const { value, done } = await reader.read();
    if (done) break;
    all += decoder.decode(value);
  }
  return all;
}

async function say(what: string): Promise<void> {
  child.stdin.write(what);
  await child.stdin.flush();
}

await say("before");
same(await answer(6), "before", "the echo before");
await ready();
const long = "after the restore ".repeat(1000);
await say(spoiling() ? long.toUpperCase() : long);
same(await answer(long.length), long, "the echo after");
await child.stdin.end();
same(await child.exited, 0, "the child's exit code");
pass();
