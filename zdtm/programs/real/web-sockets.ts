/** Servers of WebSockets: their clients ask one question after the other, and hear the server count by itself. */
import { join } from "node:path";
import { until } from "../lib/stage.ts";
import { inside, reportOf } from "./inside.ts";
import { type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

const victims = join(import.meta.dir, "..", "victims");
const clients = 5;

interface Told {
  tick?: number;
  count?: number;
  pid?: number;
  echo?: string;
}

/** A connected client, which knows what it has to hear next. */
class Client {
  ticks = 0;
  #answer: ((told: Told) => void) | undefined;
  #lost: ((error: Error) => void) | undefined;

  private constructor(
    readonly socket: WebSocket,
    readonly tally: Tally,
  ) {
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)));
    socket.onclose = ({ code, reason }) => this.#lost?.(new Error(`the connection is closed: ${code} ${reason}`));
  }

  static async connect(port: number, tally: Tally): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const client = new Client(socket, tally);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return client;
  }

  #hear(told: Told): void {
    if (told.tick === undefined) this.#answer?.(told);
    else if (told.tick !== ++this.ticks) this.tally.fail(`tick ${told.tick} came, not ${this.ticks}`);
  }

  ask(question: string | Uint8Array<ArrayBuffer>): Promise<Told> {
    return new Promise((resolve, reject) => {
      [this.#answer, this.#lost] = [resolve, reject];
      if (this.socket.readyState !== WebSocket.OPEN) reject(new Error("the connection is closed"));
      this.socket.send(question);
    });
  }
}

function webSockets(name: string, missing: string | undefined, argv: readonly string[]): RealProgram {
  return {
    name,
    missing: () => missing,
    async start(stage): Promise<Running> {
      const program = await stage.start([...argv]);
      const port = Number((await program.says(/port (\d+)/))[1]);
      const tally = new Tally();
      const connected: Client[] = [];
      for (let i = 0; i < clients; i++) {
        const client = await Client.connect(port, tally);
        connected.push(client);
        tally.keep(`client ${i} of ${name}`, async (n) => {
          const text = `${i} asks ${n} ${"-".repeat((n * 7919) % (n % 7 === 0 ? 200_000 : 500))}`;
          const bytes = Buffer.from(text);
          const got = await client.ask(n % 2 === 0 ? text : new Uint8Array(bytes));
          return { got, wanted: { count: n + 1, pid: program.pid, echo: bytes.reverse().toString("latin1") } };
        });
      }
      return {
        program,
        tally,
        words: ["--tcp-established"],
        async after() {
          for (const client of connected) {
            const { ticks } = client;
            await until("the server counts on", () => (client.ticks > ticks ? true : undefined));
          }
        },
        async finish() {
          for (const { socket } of connected) socket.close();
          process.kill(program.pid, "SIGTERM");
          await program.end;
        },
      };
    },
  };
}

export const nodeSockets = webSockets("node with WebSockets", without("node", "nodejs"), [
  "node",
  join(victims, "sockets.node.mjs"),
]);

export const bunSockets = webSockets("bun with WebSockets", undefined, [
  process.execPath,
  join(victims, "sockets.bun.ts"),
]);

/** The other way round: the clients are in the tree, and the server is ours. */
function client(name: string, missing: string | undefined, argv: readonly string[]): RealProgram {
  return {
    name,
    missing: () => missing,
    async start(stage): Promise<Running> {
      const server = Bun.serve<{ count: number }>({
        hostname: "127.0.0.1",
        port: 0,
        fetch: (request, it) => (it.upgrade(request, { data: { count: 0 } }) ? undefined : new Response("a page")),
        websocket: {
          idleTimeout: 0,
          message(socket, message) {
            socket.send(`${++socket.data.count} ${Buffer.from(message).reverse().toString("latin1")}`);
          },
        },
      });
      const words = [
        join(victims, "socket-client.mjs"),
        `ws://127.0.0.1:${server.port}/`,
        reportOf(stage),
        `${clients}`,
      ];
      const running = inside(stage, await stage.start([...argv, ...words]), clients);
      return {
        ...running,
        async finish() {
          await running.finish?.();
          await server.stop(true);
        },
      };
    },
  };
}

/** Flags that give node a client of WebSockets; a new one has it anyway. */
const flags = ["--experimental-websocket", "--no-warnings"];

function nodeLacks(): string | undefined {
  const lacking = without("node", "nodejs");
  if (lacking !== undefined) return lacking;
  const has = Bun.spawnSync(["node", ...flags, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]);
  return has.exitCode === 0 ? undefined : "this node has no client of WebSockets";
}

export const nodeClient = client("node as client of WebSockets", nodeLacks(), ["node", ...flags]);
export const bunClient = client("bun as client of WebSockets", undefined, [process.execPath]);
