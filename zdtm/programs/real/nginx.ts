/** nginx with two workers: slow downloads, one held back by the server, one by its reader, and clients that keep alive. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { describeStatus } from "../../lib/keeper.ts";
import { type Program, type Stage, until } from "../lib/stage.ts";
import { askAnew, Connection } from "./http.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

const MiB = 1 << 20;
const size = 8 * MiB;

/** The same bytes each time, that do not repeat. */
function content(): Uint8Array {
  const words = new Uint32Array(size / 4);
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

const configuration = (port: number, directory: string) => `
daemon off;
worker_processes 2;
user root;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log notice;
events { worker_connections 256; }
http {
  access_log ${directory}/access.log;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory}/temp;`).join(" ")}
  keepalive_requests 1000000;
  keepalive_timeout 1h;
  send_timeout 1h;
  server {
    listen 127.0.0.1:${port};
    root ${directory}/pages;
    location /slow { alias ${directory}/pages/large; limit_rate 1m; }
    location /count { return 200 "$arg_n $connection_requests"; }
  }
}
`;

/** A download over a connection of its own. */
class Download {
  received = 0;
  readonly done: Promise<void>;
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #socket: Socket;
  #head = "";
  #isBody = false;
  #last = performance.now();

  constructor(
    readonly path: string,
    port: number,
    readonly tally: Tally,
    wanted: string,
    /** It stops half way, until it is let go on. */
    private isHeld: boolean,
  ) {
    tally.asked++;
    this.#socket = connect(port, "127.0.0.1", () => {
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n`);
    });
    this.#socket.on("data", (bytes) => this.#take(Buffer.from(bytes)));
    this.done = new Promise((resolve) => {
      this.#socket.on("error", (error) => tally.complaints.push(`download of ${path}: ${error}`));
      this.#socket.on("close", () => {
        if (this.received === size) tally.answered++;
        else tally.complaints.push(`download of ${path}: it ends after ${this.received} bytes`);
        if (this.#hash.digest("hex") !== wanted) tally.fail(`download of ${path}: the bytes are not those of the file`);
        resolve();
      });
    });
  }

  #take(bytes: Buffer): void {
    const now = performance.now();
    this.tally.pause = Math.max(this.tally.pause, now - this.#last);
    this.#last = now;
    let body = bytes;
    if (!this.#isBody) {
      this.#head += bytes.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.#head.startsWith("HTTP/1.1 200"))
        this.tally.fail(`download of ${this.path}: ${this.#head.slice(0, end)}`);
      this.#isBody = true;
      body = Buffer.from(this.#head.slice(end + 4), "latin1");
    }
    this.received += body.length;
    this.#hash.update(body);
    if (this.isHeld && this.received > size / 2) this.#socket.pause();
  }

  goOn(): void {
    this.isHeld = false;
    this.#last = performance.now();
    this.#socket.resume();
  }
}

/** Starts it in a stage that holds the file to download. */
async function begin(stage: Stage, port: number, file: Uint8Array): Promise<Program> {
  mkdirSync(stage.file("pages"));
  mkdirSync(stage.file("temp"));
  writeFileSync(stage.file("pages/large"), file);
  writeFileSync(stage.file("nginx.conf"), configuration(port, stage.path));
  const words = ["-e", stage.file("error.log"), "-p", stage.path, "-c", stage.file("nginx.conf")];
  const program = await stage.start(["nginx", ...words]);
  await until("nginx answers", () =>
    new Connection(port).ask("/count?n=0").then(
      () => true,
      () => undefined,
    ),
  );
  return program;
}

async function quit(program: Program, tally: Tally): Promise<void> {
  process.kill(program.pid, "SIGQUIT");
  const status = await program.end;
  if (status !== 0) tally.fail(`nginx ends with ${describeStatus(status)}`);
}

const missing = () => without("nginx", "nginx-light");

export const nginx: RealProgram = {
  name: "nginx with workers, slow downloads and keep-alive clients",
  missing,

  async start(stage): Promise<Running> {
    const port = freePort();
    const file = content();
    const wanted = new Bun.CryptoHasher("sha256").update(file).digest("hex");
    const program = await begin(stage, port, file);
    const tally = new Tally();
    for (const name of ["first", "second", "third"]) {
      const client = new Connection(port);
      tally.keep(`the ${name} client that keeps alive`, async (n) => ({
        got: await client.ask(`/count?n=${n}`),
        wanted: `${n} ${n + 1}`,
      }));
    }
    let downloads: Download[] = [];
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async before() {
        const slowly = new Download("/slow", port, tally, wanted, false);
        downloads = [slowly, new Download("/large", port, tally, wanted, true)];
        await until("the downloads have begun", () => (downloads.every((it) => it.received > MiB) ? true : undefined));
      },
      gone() {
        if (downloads.some((it) => it.received >= size)) throw new Error("a download was over before the dump");
      },
      async after() {
        for (const it of downloads) it.goOn();
        await Promise.all(downloads.map((it) => it.done));
      },
      finish: () => quit(program, tally),
    };
  },
};

/** So many clients of which each connects anew for each question. */
const strangers = 6;

export const nginxAnew: RealProgram = {
  name: "nginx, a new connection for each question",
  missing,

  async start(stage): Promise<Running> {
    const port = freePort();
    const program = await begin(stage, port, new Uint8Array(0));
    const tally = new Tally();
    for (let i = 0; i < strangers; i++) {
      tally.keep(`stranger ${i}`, async (n) => ({
        got: await askAnew(port, `/count?n=${n}`),
        wanted: `${n} 1`,
      }));
    }
    return { program, tally, words: ["--tcp-established"], finish: () => quit(program, tally) };
  },
};
