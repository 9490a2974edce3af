// zdtm: {"category": "pipes", "verifies": "two processes that talk over pipes without a pause lose no byte"}
import { going, listen, markReady, pass, same, spoiling } from "../lib/case.ts";

const child = Bun.spawn(["cat"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
const reader = child.stdout.getReader();
const text = new TextDecoder();
void listen();
markReady();
for (let turn = 0; going(); turn++) {
  const words = `turn ${turn} ${"x".repeat(turn % 3000)}\n`;
  child.stdin.write(spoiling() && turn === 20 ? words.replace("turn", "tern") : words);
  await child.stdin.flush();
  let heard = "";
  while (heard.length < words.length) {
    const part = await reader.read();
    if (part.done) break;
    heard += text.decode(part.value);
  }
  same(heard, words, "the echo");
}
await child.stdin.end();
same(await child.exited, 0, "the exit code");
pass();
