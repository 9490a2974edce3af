/** OpenSSH's server on a port of its own: sessions of ssh with and without a terminal, encrypted, go on. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import type { Stage } from "../lib/stage.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Wire } from "./wire.ts";

/** Debian keeps it where users do not look; it wants to be started by its full path. */
const SSHD = "/usr/sbin/sshd";

class Session {
  readonly #ssh;
  readonly #lines: AsyncIterator<string>;

  constructor(stage: Stage, port: number, terminal: boolean) {
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
    const words = ["-F", "/dev/null", "-p", `${port}`, "-i", stage.file("user"), ...options.flatMap((o) => ["-o", o])];
    // one that echoes what it reads, in a terminal that does not
    const far = terminal
      ? ["-tt", "root@127.0.0.1", "stty -echo; echo here; exec cat"]
      : ["root@127.0.0.1", "echo here; exec cat"];
    this.#ssh = Bun.spawn(["ssh", ...words, ...far], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
    this.#lines = linesOf(this.#ssh.stdout);
  }

  async next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the session has ended");
    return value.trimEnd();
  }

  async echo(line: string): Promise<string> {
    this.#ssh.stdin.write(`${line}\n`);
    await this.#ssh.stdin.flush();
    return await this.next();
  }

  async close(): Promise<void> {
    this.#ssh.kill();
    await this.#ssh.exited;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + new TextDecoder().decode(bytes)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

export const sshd: RealProgram = {
  name: "sshd with sessions of ssh",
  missing: () => without(SSHD, "openssh-server") ?? without("ssh", "openssh-client"),

  async start(stage): Promise<Running> {
    const port = freePort();
    chmodSync(stage.path, 0o755);
    for (const name of ["host", "user"]) {
      const made = Bun.spawnSync(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", stage.file(name)]);
      if (made.exitCode !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
    }
    copyFileSync(stage.file("user.pub"), stage.file("keys"));
    mkdirSync("/run/sshd", { recursive: true });
    const where = [`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${stage.file("host")}`, "PidFile none"];
    const who = [`AuthorizedKeysFile ${stage.file("keys")}`, "StrictModes no", "UsePAM no", "PermitRootLogin yes"];
    writeFileSync(stage.file("conf"), [...where, ...who, ""].join("\n"));
    const program = await stage.start([SSHD, "-D", "-e", "-f", stage.file("conf")]);
    (await Wire.open(port))[Symbol.dispose]();
    const [terminal, plain] = [new Session(stage, port, true), new Session(stage, port, false)];
    for (const session of [terminal, plain]) if ((await session.next()) !== "here") throw new Error("no session");
    const tally = new Tally();
    tally.keep("ssh -t", async (n) => ({ got: await terminal.echo(`line ${n}`), wanted: `line ${n}` }));
    tally.keep("ssh", async (n) => ({ got: await plain.echo(`line ${n}`), wanted: `line ${n}` }));
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async finish() {
        for (const session of [terminal, plain]) await session.close();
      },
    };
  },
};
