/**
 * Drives sqlite3, its child, over pipes: transactions of many rows without end, every answer checked. While the file `hold`
 * is there a transaction stays open; the file `state` then says `open ROWS`, the rows that were committed before it.
 *
 *     bun sqlite-client.ts REPORT JOURNAL
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs";

const [, , report = "", journal = ""] = process.argv;
let [asked, answered, wrong, pause] = [0, 0, 0, 0];
let last = performance.now();
let ending = false;
process.on("SIGTERM", () => (ending = true));

const sqlite = Bun.spawn(["sqlite3", "-batch", "database"], { stdin: "pipe", stdout: "pipe" });
const lines = (async function* () {
  const text = new TextDecoder();
  let rest = "";
  for await (const part of sqlite.stdout) {
    const whole = (rest + text.decode(part, { stream: true })).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
})();

/** Every question ends with a SELECT of one line. */
async function ask(sql: string, wanted: string): Promise<void> {
  asked++;
  sqlite.stdin.write(`${sql}\n`);
  sqlite.stdin.flush();
  const { value } = await lines.next();
  const now = performance.now();
  pause = Math.max(pause, now - last);
  last = now;
  if (value === undefined) throw new Error(`sqlite3 is gone: ${await sqlite.exited}`);
  answered++;
  if (value === wanted) return;
  wrong++;
  console.error(`"${value.slice(0, 80)}" came, not "${wanted}"`);
}

function tell(more = ""): void {
  appendFileSync(report, `${asked} ${answered} ${wrong} ${pause.toFixed(3)}${more}\n`);
}

sqlite.stdin.write(".timeout 60000\n");
await ask(`PRAGMA journal_mode = ${journal};`, journal);
// few pages in memory: the journal is written in the middle of a transaction
await ask("PRAGMA cache_size = 20; CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT); SELECT 'made';", "made");
setInterval(() => tell(), 20);

let [rows, sum] = [0, 0];
while (!ending) {
  const committed = rows;
  await ask(`BEGIN IMMEDIATE; SELECT 'begun', ${rows};`, `begun|${rows}`);
  for (let some = 0; some < 20 || (existsSync("hold") && !ending); some++) {
    const size = (rows * 7919) % 3000;
    rows++;
    sum += size;
    const insert = `INSERT INTO t VALUES (${rows}, '${"x".repeat(size)}');`;
    await ask(`${insert} SELECT count(*), max(n), sum(length(text)) FROM t;`, `${rows}|${rows}|${sum}`);
    if (some === 10 && existsSync("hold")) writeFileSync("state", `open ${committed}`);
    await Bun.sleep(1);
  }
  await ask("COMMIT; SELECT 'committed';", "committed");
  writeFileSync("state", `committed ${rows}`);
}
sqlite.stdin.end();
await sqlite.exited;
tell(" over");
process.exit(0);
