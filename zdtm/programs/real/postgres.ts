/**
 * PostgreSQL with its buffers in a System V segment: one process for each client, in the middle of a transaction. The segment
 * is still there at one restore, and gone at another.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { removeSegment, statSegment } from "../../../src/kernel/sysv-shm.ts";
import type { Stage } from "../lib/stage.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Transaction } from "./transaction.ts";

/** Debian keeps the programs of each version in a directory of its own. */
const versions = "/usr/lib/postgresql";
/** It does not run as root. */
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

function directory(): string | undefined {
  try {
    const [version] = readdirSync(versions).sort().reverse();
    return version && join(versions, version, "bin");
  } catch {
    return undefined;
  }
}

/** The id of its segment, which stands behind the key in the seventh line of its pid file. */
function segmentOf(stage: Stage): number {
  const lines = readFileSync(stage.file("data/postmaster.pid"), "latin1").split("\n");
  return Number(/^\s*\d+\s+(\d+)\s*$/.exec(lines[6] ?? "")?.[1]);
}

export const postgres: RealProgram = {
  name: "PostgreSQL in a transaction, its buffers in a System V segment",
  missing: () =>
    without("setpriv", "util-linux") ??
    (directory() === undefined ? "there is no PostgreSQL (Debian: postgresql)" : undefined),

  async start(stage): Promise<Running> {
    const data = stage.file("data");
    const port = freePort();
    const words = ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C"];
    const made = Bun.spawnSync([...nobody, join(directory() ?? "", "initdb"), ...words], { stderr: "pipe" });
    if (made.exitCode !== 0) throw new Error(`initdb: ${made.stderr}`);
    const settings = {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
      shared_memory_type: "sysv",
      // the copies of pages that it would wait for
      fsync: "off",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const argv = [...nobody, join(directory() ?? "", "postgres"), "-D", data, ...options];
    const program = await stage.start(argv);
    await program.says(/ready to accept connections/);
    const segment = segmentOf(stage);
    writeFileSync(stage.file(".objects"), `shm ${segment}\n`);
    if (!((statSegment(segment)?.size ?? 0) > 1 << 26)) throw new Error("its buffers lie elsewhere");

    const connect = () => new SQL({ url: `postgres://postgres@127.0.0.1:${port}/postgres`, max: 1, idleTimeout: 0 });
    const [counting, asking, holding] = [connect(), connect(), connect()];
    await asking`CREATE TABLE counted (n int PRIMARY KEY, text text)`;
    const tally = new Tally();
    tally.keep("INSERT", async (n) => {
      const [row] = await counting`INSERT INTO counted VALUES (${n}, ${"x".repeat(n % 1000)}) RETURNING n`;
      return { got: row?.n, wanted: n };
    });
    tally.keep("SELECT", async () => {
      // numbers without a gap, each with its text
      const [row] = await asking`SELECT count(*) = coalesce(max(n) + 1, 0)
        AND coalesce(bool_and(length(text) = n % 1000), true) AS whole FROM counted`;
      return { got: row?.whole, wanted: true };
    });

    const transaction = await Transaction.open(holding, asking, tally);
    return {
      program,
      tally,
      words: ["--tcp-established"],
      before: transaction.before,
      after: transaction.after,
      gone() {
        if (transaction.trips > 0) removeSegment(segment);
      },
      async finish() {
        for (const sql of [counting, asking, holding]) await sql.close();
        process.kill(program.pid, "SIGINT");
        await program.end;
        if (!/database system is shut down/.test(program.said)) tally.fail(`it ends with ${program.said.slice(-500)}`);
        if (statSegment(segment) !== undefined) tally.fail("its segment is still there");
      },
    };
  },
};
