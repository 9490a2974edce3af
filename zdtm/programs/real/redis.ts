/** Redis under the load of redis-benchmark, with an append-only file, and in the middle of a snapshot by a child. */
import { RedisClient } from "bun";
import { until } from "../lib/stage.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

/** Long enough to be there before, during and after a trip; more of them where that was too few. */
const fewest = 60_000;
const connections = 10;
/** Keys that make the child that saves them busy: for each it waits so many microseconds. */
const keys = 2000;
const wait = 500;

export const redis: RealProgram = {
  name: "redis under redis-benchmark, AOF and RDB",
  missing: () => without("redis-server", "redis-server") ?? without("redis-benchmark", "redis-tools"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const place = ["--bind", "127.0.0.1", "--port", `${port}`, "--dir", stage.path];
    const server = ["redis-server", ...place, "--save", "3600 1", "--appendonly", "yes"];
    const program = await stage.start(server);
    await program.says(/Ready to accept connections/);
    const connect = async (): Promise<RedisClient> => {
      const options = { autoReconnect: false, enableOfflineQueue: false, idleTimeout: 0 };
      const client = new RedisClient(`redis://127.0.0.1:${port}`, options);
      await client.connect();
      return client;
    };
    const clients = [await connect(), await connect(), await connect()] as const;
    const [counting, writing, asking] = clients;
    const info = async (name: string) =>
      new RegExp(`^${name}:(.*?)\r?$`, "m").exec(String(await asking.send("INFO", [])))?.[1];
    for (let i = 0; i < keys; i++) await asking.set(`filling ${i}`, `${i}`.repeat(20));

    const tally = new Tally();
    tally.keep("INCR", async (n) => ({ got: await counting.incr("counter"), wanted: n + 1 }));
    tally.keep("SET and GET", async (n) => {
      const value = `${n}:${"x".repeat(n % 5000)}`;
      await writing.set(`key ${n % 100}`, value);
      return { got: await writing.get(`key ${n % 100}`), wanted: value };
    });

    let requests = fewest;
    let all = 0;
    let trips = 0;
    let missed = 0;
    let load: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async before() {
        await asking.send("CONFIG", ["SET", "rdb-key-save-delay", `${wait}`]);
        const words = ["-p", `${port}`, "-n", `${requests}`, "-c", `${connections}`, "-q", "INCR", "load"];
        load = Bun.spawn(["redis-benchmark", ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
        all += requests;
        const count = connections + clients.length;
        await until("the load is there", async () =>
          Number(await info("connected_clients")) >= count ? true : undefined,
        );
        await asking.send("BGSAVE", []);
      },
      gone() {
        trips++;
        if (load?.exitCode === null) return;
        // a busy machine takes long to begin a dump
        missed++;
        requests *= 4;
      },
      async after() {
        if (load === undefined) return;
        const said = Promise.all([new Response(load.stdout).text(), new Response(load.stderr).text()]);
        const status = await load.exited;
        if (status !== 0) tally.fail(`redis-benchmark ended with ${status}: ${(await said).join("\n").slice(-500)}`);
        await until("the snapshot is written", async () =>
          (await info("rdb_bgsave_in_progress")) === "0" ? true : undefined,
        );
        const saved = await info("rdb_last_bgsave_status");
        if (saved !== "ok") tally.fail(`the snapshot ends with ${saved}`);
        if (!/DB saved on disk/.test(program.said)) tally.fail("no snapshot was written");
      },
      async finish() {
        const know = async (client: RedisClient) => ({
          load: await client.get("load"),
          counter: await client.get("counter"),
          keys: await client.send("DBSIZE", []),
        });
        const before = await know(asking);
        if (before.load !== `${all}`) tally.fail(`${before.load} of ${all} were counted`);
        if (trips > 0 && missed === trips) tally.fail("each time the load was over before the dump");
        await asking.send("SHUTDOWN", ["NOSAVE"]).catch(() => undefined);
        await program.end;
        for (const client of clients) client.close();
        const check = Bun.spawnSync(["redis-check-rdb", stage.file("dump.rdb")]);
        if (check.exitCode !== 0) tally.fail(`the snapshot is broken: ${check.stdout}`);
        // another server knows all of it from the append-only file
        const heard = program.said.length;
        const heir = await stage.start(server);
        await until("the heir is ready", () => (/Ready to accept/.test(heir.said.slice(heard)) ? true : undefined));
        const client = await connect();
        const after = await know(client);
        client.close();
        if (!Bun.deepEquals(before, after))
          tally.fail(`written were ${Bun.inspect(after)}, not ${Bun.inspect(before)}`);
      },
    };
  },
};
