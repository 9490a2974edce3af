import type { FileSink } from "bun";
import { compileKeeper } from "./compile.ts";

export interface Start {
  argv: string[];
  directory: string;
  /** File that gets standard output and standard error. */
  output: string;
  /** Makes it the leader of a session of its own. */
  session?: boolean;
  /** The same in pid, mount and UTS namespaces of its own: what `run` gives is the pid of their init. */
  apart?: boolean;
  /** In a user namespace of its own as well, to which these belong. */
  user?: boolean;
  env?: Record<string, string>;
}

/**
 * The process that is the parent of everything a case starts (see keeper.c). Disposing of it kills and reaps all of
 * that; so does the death of this process.
 */
export class Keeper implements AsyncDisposable {
  readonly pid: number;
  private readonly stdin: FileSink;
  private readonly exited: Promise<number>;
  private readonly spent: () => number;
  private readonly starts: ((answer: number | Error) => void)[] = [];
  private readonly dead = new Map<number, number>();
  private readonly waiting = new Map<number, (status: number) => void>();
  private said = "";

  private constructor(argv: string[]) {
    const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.exited = child.exited;
    this.spent = () => Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1000;
    void this.listen(child.stdout);
  }

  /**
   * @param own what everything that it starts has of its own: the machine's mounts without those that come and go, or these and a
   *   network with a loopback only
   * @param through words of a program that becomes the keeper in the end
   */
  static async start(own?: "mounts" | "net", through: readonly string[] = []): Promise<Keeper> {
    return new Keeper([...through, await compileKeeper(), ...(own === undefined ? [] : [own])]);
  }

  private async listen(from: ReadableStream<Uint8Array>): Promise<void> {
    const text = new TextDecoder();
    let rest = "";
    for await (const part of from) {
      const lines = (rest + text.decode(part, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.hear(line);
    }
    for (const answer of this.starts.splice(0)) answer(new Error(`the keeper has ended${this.said}`));
  }

  private hear(line: string): void {
    const [word, first, second] = line.split(" ");
    if (word === "pid") this.starts.shift()?.(Number(first));
    else if (word === "dead") {
      const pid = Number(first);
      const status = Number(second);
      const waiter = this.waiting.get(pid);
      this.waiting.delete(pid);
      if (waiter === undefined) this.dead.set(pid, status);
      else waiter(status);
    } else {
      this.said += `; ${line}`;
      this.starts.shift()?.(new Error(`the keeper says: ${line}`));
    }
  }

  /** Starts a program; gives its pid. */
  async run(it: Start): Promise<number> {
    const env = Object.entries(it.env ?? {}).map(([key, value]) => `${key}=${value}`);
    const session = it.apart === true ? (it.user === true ? "u" : "n") : it.session === true ? "1" : "0";
    const words = [session, it.directory, it.output, String(env.length), ...env, ...it.argv];
    const body = new TextEncoder().encode(words.map((w) => `${w}\0`).join(""));
    const framed = new Uint8Array(4 + body.length);
    new DataView(framed.buffer).setUint32(0, body.length, true);
    framed.set(body, 4);
    const answer = new Promise<number | Error>((resolve) => this.starts.push(resolve));
    this.stdin.write(framed);
    this.stdin.flush();
    const pid = await answer;
    if (pid instanceof Error) throw pid;
    return pid;
  }

  /** Waits for the end of a child; gives its wait status. Each end is told once, so a pid can come back. */
  ended(pid: number): Promise<number> {
    const status = this.dead.get(pid);
    this.dead.delete(pid);
    if (status !== undefined) return Promise.resolve(status);
    return new Promise((resolve) => this.waiting.set(pid, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stdin.end();
    await this.exited;
  }

  /** CPU time of all that it started, milliseconds; when it has ended. */
  get cpu(): number {
    return this.spent();
  }
}

/** A wait status in words: `exit 3`, `signal 9`. */
export function describeStatus(status: number): string {
  return (status & 0x7f) === 0 ? `exit ${(status >> 8) & 0xff}` : `signal ${status & 0x7f}`;
}
