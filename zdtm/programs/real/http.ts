/** Plain clients of HTTP, for answers that say their length. */
import { connect, type Socket } from "node:net";
import { until } from "../lib/stage.ts";

/** Asks over one connection and no other. */
export class Connection {
  readonly #socket: Socket;
  #heard = "";
  #answer = (_: string) => {};
  #lost = (_: Error) => {};

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (bytes) => this.#hear(String(bytes)));
    this.#socket.on("error", (error) => this.#lost(error));
    this.#socket.on("close", () => this.#lost(new Error("the connection is closed")));
  }

  #hear(text: string): void {
    this.#heard += text;
    const [, length = "", body = ""] = /Content-Length: (\d+)[\s\S]*?\r\n\r\n([\s\S]*)$/i.exec(this.#heard) ?? [];
    if (length === "" || body.length < Number(length)) return;
    this.#heard = "";
    this.#answer(body);
  }

  /** Gives the body of the answer. */
  ask(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      [this.#answer, this.#lost] = [resolve, reject];
      if (this.#socket.destroyed) reject(new Error("the connection is closed"));
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

const isRefused = (error: unknown) => error instanceof Error && "code" in error && error.code === "ECONNREFUSED";

/** Asks over a connection of its own. Between dump and restore nobody listens: then it tries again. */
export function askAnew(port: number, path: string): Promise<string> {
  return until(`somebody listens on port ${port}`, async () => {
    const connection = new Connection(port);
    try {
      return await connection.ask(path);
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw error;
    } finally {
      connection.close();
    }
  });
}
