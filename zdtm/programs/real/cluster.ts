/** node with workers that share a port, and descriptors in flight between them. */
import { join } from "node:path";
import { askAnew, Connection } from "./http.ts";
import { type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

const script = join(import.meta.dir, "..", "victims", "cluster.mjs");

export const nodeCluster: RealProgram = {
  name: "node with workers that share a port",
  missing: () => without("node", "nodejs"),

  async start(stage): Promise<Running> {
    const program = await stage.start(["node", script]);
    const port = Number((await program.says(/port (\d+)/))[1]);
    const tally = new Tally();
    for (let i = 0; i < 4; i++) {
      const client = new Connection(port);
      const ask = i < 2 ? (path: string) => client.ask(path) : (path: string) => askAnew(port, path);
      const name = i < 2 ? `client ${i} that keeps alive` : `client ${i} that comes anew`;
      tally.keep(name, async (n) => ({ got: await ask(`/${i}/${n}`), wanted: `/${i}/${n} answered` }));
    }
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async finish() {
        for (const [line] of program.said.matchAll(/^wrong.*$/gm)) tally.fail(line);
        process.kill(program.pid, "SIGTERM");
        await program.end;
      },
    };
  },
};
