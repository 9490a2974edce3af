/** MariaDB as Debian starts it, which writes by an io_uring where the kernel has it: clients insert, ask, and hold a transaction. */

import { chmodSync } from "node:fs";
import { SQL } from "bun";
import { until } from "../lib/stage.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Transaction } from "./transaction.ts";

export const mariadb: RealProgram = {
  name: "MariaDB in a transaction, with an io_uring",
  missing: () => without("mariadbd", "mariadb-server") ?? without("mariadb-install-db", "mariadb-server"),

  async start(stage): Promise<Running> {
    const data = stage.file("data");
    const port = freePort();
    chmodSync(stage.path, 0o755);
    const words = ["--no-defaults", "--user=root", `--datadir=${data}`, "--skip-test-db"];
    const made = Bun.spawnSync(["mariadb-install-db", ...words, "--auth-root-authentication-method=normal"]);
    if (made.exitCode !== 0) throw new Error(`mariadb-install-db: ${made.stdout}${made.stderr}`);
    const place = [`--datadir=${data}`, `--socket=${stage.file("socket")}`, `--pid-file=${stage.file("pid")}`];
    const small = ["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--skip-name-resolve"];
    const listen = ["--bind-address=127.0.0.1", `--port=${port}`];
    const program = await stage.start(["mariadbd", "--no-defaults", "--user=root", ...place, ...listen, ...small]);
    await program.says(/ready for connections/);
    const connect = () => new SQL({ url: `mysql://root@127.0.0.1:${port}/mysql`, max: 1, idleTimeout: 0 });
    const [counting, asking, holding] = [connect(), connect(), connect()];
    await asking.unsafe("CREATE TABLE counted (n int PRIMARY KEY, text text) ENGINE=InnoDB");

    const tally = new Tally();
    tally.keep("INSERT", async (n) => {
      await counting`INSERT INTO counted VALUES (${n}, ${"x".repeat(n % 1000)})`;
      const [row] = await counting`SELECT length(text) AS length FROM counted WHERE n = ${n}`;
      return { got: Number(row?.length), wanted: n % 1000 };
    });
    tally.keep("SELECT", async () => {
      const [row] = await asking`SELECT count(*) = coalesce(max(n) + 1, 0) AS whole FROM counted`;
      return { got: Number(row?.whole), wanted: 1 };
    });

    const transaction = await Transaction.open(holding, asking, tally, "CREATE TABLE held (n int) ENGINE=InnoDB");
    return {
      program,
      tally,
      words: ["--tcp-established", "--file-locks"],
      before: transaction.before,
      after: transaction.after,
      async finish() {
        for (const sql of [counting, asking, holding]) await sql.close();
        process.kill(program.pid, "SIGTERM");
        await until("it has shut down", () => (/Shutdown complete/.test(program.said) ? true : undefined));
        await program.end;
      },
    };
  },
};
