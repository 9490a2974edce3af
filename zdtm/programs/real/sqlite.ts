/** sqlite3 in the middle of a transaction: its journal half written, its locks held, what is not committed seen by nobody. */
import { Database } from "bun:sqlite";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../lib/stage.ts";
import { inside, reportOf } from "./inside.ts";
import { type RealProgram, type Running, without } from "./real.ts";

const script = join(import.meta.dir, "..", "victims", "sqlite-client.ts");

function sqlite(name: string, journal: "delete" | "wal"): RealProgram {
  return {
    name: `sqlite3 in a transaction, ${name}`,
    missing: () => without("sqlite3", "sqlite3"),
    async start(stage): Promise<Running> {
      const program = await stage.start([process.execPath, script, reportOf(stage), journal]);
      const running = inside(stage, program, 1);
      const { tally } = running;
      const state = async (word: string) =>
        until(`it is ${word}; it said ${program.said}`, () => {
          const [is, rows] = existsSync(stage.file("state"))
            ? readFileSync(stage.file("state"), "utf8").split(" ")
            : [];
          return is === word ? Number(rows) : undefined;
        });
      const database = () => new Database(stage.file("database"), { readwrite: true });
      let committed = 0;
      return {
        ...running,
        words: ["--file-locks"],
        async before() {
          writeFileSync(stage.file("hold"), "");
          committed = await state("open");
        },
        async after() {
          await running.after?.();
          using other = database();
          const busy = attempt(() => other.run("BEGIN IMMEDIATE"));
          if (!/locked/.test(busy)) tally.fail(`another may write in the middle of the transaction: ${busy}`);
          // once its pages go to the file itself, not even readers are let in
          const seen = attempt(() => JSON.stringify(other.query("SELECT count(*) AS n FROM t").get()));
          const may = journal === "wal" ? [`{"n":${committed}}`] : [`{"n":${committed}}`, "database is locked"];
          if (!may.includes(seen)) tally.fail(`another sees ${seen}, not ${may.join(" or ")}`);
          other.close();
          rmSync(stage.file("hold"));
          await state("committed");
        },
        async finish() {
          await running.finish?.();
          const rows = await state("committed");
          using other = database();
          const check = attempt(() => JSON.stringify(other.query("PRAGMA integrity_check").get()));
          if (check !== '{"integrity_check":"ok"}') tally.fail(`the database is broken: ${check}`);
          const seen = attempt(() => JSON.stringify(other.query("SELECT count(*) AS n, max(n) AS most FROM t").get()));
          if (seen !== JSON.stringify({ n: rows, most: rows }))
            tally.fail(`the database holds ${seen}, not ${rows} rows`);
        },
      };
    },
  };
}

/** What comes of it, or the words of the error. */
function attempt(act: () => unknown): string {
  try {
    return String(act());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const sqliteJournal = sqlite("rollback journal", "delete");
export const sqliteLog = sqlite("write-ahead log", "wal");
