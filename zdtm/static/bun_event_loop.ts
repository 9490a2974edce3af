// zdtm: {"category": "epoll-fsnotify", "verifies": "the event loop goes on: timers in their order, immediates, microtasks and streams that were half read"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

// far enough away for what a busy machine takes to prepare, to dump and to restore us
const order: string[] = [];
const late = new Promise<void>((resolve) => {
  setTimeout(() => {
    order.push("late");
    resolve();
  }, 6200);
});
setTimeout(() => order.push("sooner"), 5800);
const cancelled = setTimeout(() => order.push("cancelled"), 6000);
await Bun.write("long", "line of text\n".repeat(100_000));
const reader = Bun.file("long").stream().getReader();
let bytes = (await reader.read()).value?.length ?? 0;
const { readable, writable } = new TransformStream<string, string>({
  transform(chunk, out) {
    out.enqueue(chunk.toUpperCase());
  },
});
const writer = writable.getWriter();
const upper = readable.getReader();
const pending = upper.read();

await ready();
// where all of this took longer, it is the order that is left
const expected = order.includes("cancelled") ? ["sooner", "cancelled", "late"] : ["sooner", "late"];
if (!spoiling()) clearTimeout(cancelled);
void writer.write("through the stream");
same((await pending).value, "THROUGH THE STREAM", "what came through the stream");
for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
same(bytes, 1_300_000, "the bytes of the half-read file");
await late;
same(order, expected, "the timers");
pass();
