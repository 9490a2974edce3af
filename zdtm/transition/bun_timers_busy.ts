// zdtm: {"category": "timers", "verifies": "a hundred intervals keep their order and their counts while timeouts come and go"}
import { check, going, listen, markReady, pass, spoiling, until } from "../lib/case.ts";

const counts = new Array<number>(100).fill(0);
for (let i = 0; i < 100; i++) {
  setInterval(
    () => {
      counts[i] = (counts[i] ?? 0) + 1;
    },
    5 + (i % 10),
  );
}
let [armed, fired] = [0, 0];
const order: number[] = [];
function again(): void {
  const n = armed++;
  setTimeout(() => {
    fired++;
    order.push(n);
    if (going()) again();
  }, 3);
}
for (let i = 0; i < 10; i++) again();
void listen();
markReady();
await until(() => !going(), "the word to go on");
const before = [...counts];
if (spoiling()) fired--;
await until(() => fired === armed || spoiling(), "the last timeouts");
check(fired === armed, `${fired} of ${armed} timeouts have fired`);
check(
  order.every((n, i) => n === i),
  "timeouts of one length have fired out of order",
);
await until(() => counts.every((n, i) => n > (before[i] ?? 0) + 2), "more of every interval");
pass();
