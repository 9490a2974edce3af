/** Sessions as sshd has them: shells with jobs, in terminals that clients reach over TCP; with tmux in between. */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { python } from "./python.ts";
import { type RealProgram, type Running, without } from "./real.ts";
import { type Answer, Tally } from "./tally.ts";

const script = join(import.meta.dir, "..", "victims", "sessions.py");
const shell = ["bash", "--norc", "--noprofile", "-i"];
/** A job that runs and one that is stopped. */
const jobs =
  'sleep 1000000 & sleep 1000000 & kill -STOP %2; until [ "$(jobs -s | wc -l)" = 1 ]; do sleep 0.1; done; n=0';
/** What is typed differs from what is answered: there are no digits in it. */
const question = `n=$((n + 1)) r=($(jobs -rp)) s=($(jobs -sp)); echo "answer $n $((n * n)) \${#r[@]} \${#s[@]} over"`;

/** Who sits at a terminal. */
class Person {
  readonly #socket: Socket;
  #seen = "";
  #look = () => {};
  #lost = (_: Error) => {};

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (bytes) => {
      this.#seen += String(bytes);
      this.#look();
    });
    this.#socket.on("error", (error) => this.#lost(error));
    this.#socket.on("close", () => this.#lost(new Error("the connection is closed")));
  }

  /** Types a line, and waits until this shows. */
  type(line: string, pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#lost = reject;
      this.#look = () => {
        const found = pattern.exec(this.#seen);
        if (!found) return;
        this.#seen = "";
        this.#look = () => {};
        resolve(found);
      };
      if (this.#socket.destroyed) reject(new Error("the connection is closed"));
      this.#socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function ask(person: Person, number: number): Promise<Answer> {
  const [, square, running, stopped] = await person.type(
    question,
    new RegExp(`answer ${number} (\\d+) (\\d) (\\d) over`),
  );
  return { got: [square, running, stopped].map(Number), wanted: [number * number, 1, 1] };
}

function sessions(
  name: string,
  missing: () => string | undefined,
  words: readonly string[],
  many: number,
): RealProgram {
  return {
    name,
    missing: () => python("pty") ?? missing(),
    async start(stage): Promise<Running> {
      const env = { TERM: "xterm", TMUX_TMPDIR: stage.path, HISTFILE: "" };
      const program = await stage.start(["python3", script, ...words], { env });
      const port = Number((await program.says(/port (\d+)/))[1]);
      const tally = new Tally();
      const people = Array.from({ length: many }, () => new Person(port));
      for (const [i, person] of people.entries()) {
        await person.type("", /[>#$] /);
        await person.type(`${jobs}; echo "re"ady`, /ready/);
        tally.keep(`session ${i}`, (n) => ask(person, n + 1));
      }
      return {
        program,
        tally,
        words: ["--tcp-established"],
        async finish() {
          for (const person of people) person.close();
        },
      };
    },
  };
}

export const shells = sessions("sessions over TCP, bash with jobs", () => without("bash", "bash"), shell, 3);

const tmux = ["tmux", "-L", "test", "-f", "/dev/null", "-u", "new-session", shell.join(" ")];
export const tmuxes = sessions("sessions over TCP, tmux with bash", () => without("tmux", "tmux"), tmux, 2);
