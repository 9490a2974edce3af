/** tcpdump, which takes packets from the ring of a packet socket in its memory, and sees all that comes while it is there. */
import { createSocket } from "node:dgram";
import { until } from "../lib/stage.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

/** Sizes of datagrams, one after the other: each line of tcpdump tells one. */
const sizes = 1400;

function capturing(name: string, more: readonly string[]): RealProgram {
  return {
    name: `tcpdump ${name}`,
    missing: () => without("tcpdump", "tcpdump"),

    async start(stage): Promise<Running> {
      const port = freePort();
      const words = ["-i", "lo", "-n", "-l", "-t", ...more, "udp", "dst", "port", `${port}`];
      const program = await stage.start(["tcpdump", ...words]);
      await program.says(/listening on lo/);
      const socket = createSocket("udp4");
      socket.on("error", () => undefined);
      await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
      const tally = new Tally();
      tally.keep("packets", async (n) => {
        const size = 1 + (n % sizes);
        const heard = program.said.length;
        const line = new RegExp(`> 127\\.0\\.0\\.1\\.${port}: UDP, length (${size})\\n`);
        // what is sent while it is away, it cannot see; what was sent twice, it may see twice
        const send = () => socket.send(new Uint8Array(size), port, "127.0.0.1", () => undefined);
        const timer = setInterval(send, 200);
        send();
        try {
          const found = await until("the packet is seen", () => line.exec(program.said.slice(heard)) ?? undefined);
          return { got: Number(found[1]), wanted: size };
        } finally {
          clearInterval(timer);
        }
      });
      return {
        program,
        tally,
        words: [],
        async finish() {
          await new Promise<void>((resolve) => socket.close(() => resolve()));
          process.kill(program.pid, "SIGINT");
          await program.end;
          if (!/packets captured/.test(program.said)) tally.fail("it does not end as it should");
        },
      };
    },
  };
}

export const tcpdumpBlocks = capturing("with a ring of blocks", []);
export const tcpdumpFrames = capturing("with a ring of frames", ["--immediate-mode"]);
