/** HAProxy, master and worker with threads, between clients and a server that both stay outside of the tree; it checks that one all the time. */
import { writeFileSync } from "node:fs";
import { askAnew, Connection } from "./http.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

const answer = (path: string) => path.repeat(200);

export const haproxy: RealProgram = {
  name: "HAProxy between clients and a server",
  missing: () => without("haproxy", "haproxy"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      // a check names no host
      fetch: ({ url }) => new Response(answer(url.replace(/^https?:..[^/]*/, ""))),
    });
    const settings = `global
  nbthread 4
  stats socket ${stage.file("stats")} level admin
defaults
  mode http
  timeout connect 100s
  timeout client 100s
  timeout server 100s
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  option httpchk GET /
  server one 127.0.0.1:${server.port} check inter 100ms fall 100000
`;
    writeFileSync(stage.file("conf"), settings);
    const program = await stage.start(["haproxy", "-W", "-f", stage.file("conf")]);
    await askAnew(port, "/");
    const kept = new Connection(port);
    const tally = new Tally();
    tally.keep("GET", async (n) => ({ got: await kept.ask(`/kept-${n}`), wanted: answer(`/kept-${n}`) }));
    tally.keep("GET anew", async (n) => ({ got: await askAnew(port, `/anew-${n}`), wanted: answer(`/anew-${n}`) }));
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async finish() {
        kept.close();
        await server.stop(true);
      },
    };
  },
};
