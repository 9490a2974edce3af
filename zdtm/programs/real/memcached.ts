/** memcached with its threads, asked by two clients. */
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Wire } from "./wire.ts";

export const memcached: RealProgram = {
  name: "memcached",
  missing: () => without("memcached", "memcached"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const program = await stage.start(["memcached", "-u", "root", "-l", "127.0.0.1", "-p", `${port}`]);
    const [counting, writing] = [await Wire.open(port), await Wire.open(port)];
    await counting.ask("set counter 0 0 1\r\n0\r\n", "\r\n");
    const tally = new Tally();
    tally.keep("incr", async (n) => ({
      got: await counting.ask("incr counter 1\r\n", "\r\n"),
      wanted: `${n + 1}\r\n`,
    }));
    tally.keep("set and get", async (n) => {
      const [key, value] = [`key${n % 50}`, "x".repeat(n % 3000)];
      const item = `${key} 0 ${value.length}\r\n${value}\r\n`;
      const stored = await writing.ask(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`, "\r\n");
      return {
        got: stored + (await writing.ask(`get ${key}\r\n`, "END\r\n")),
        wanted: `STORED\r\nVALUE ${item}END\r\n`,
      };
    });
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async finish() {
        for (const wire of [counting, writing]) wire[Symbol.dispose]();
      },
    };
  },
};
