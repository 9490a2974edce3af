/** A client of a protocol over TCP, for servers that answer in the order in which they are asked. */
import { connect, type Socket } from "node:net";
import { until } from "../lib/stage.ts";

export class Wire implements Disposable {
  readonly #socket: Socket;
  #heard = Buffer.alloc(0);
  #over: Error | undefined;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => {
      this.#heard = Buffer.concat([this.#heard, Buffer.from(bytes)]);
      this.#wake();
    });
    const end = (error: Error) => {
      this.#over ??= error;
      this.#wake();
    };
    socket.on("error", end);
    socket.on("close", () => end(new Error("the connection is closed")));
  }

  /** Tries until somebody listens. */
  static open(port: number): Promise<Wire> {
    return until(`somebody listens on port ${port}`, async () => {
      const socket = connect(port, "127.0.0.1");
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      return isOpen ? new Wire(socket) : undefined;
    });
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** What comes next, up to an end that is part of it, or so many bytes; as latin1. */
  async next(end: string | number): Promise<string> {
    for (;;) {
      const found = typeof end === "number" ? end : this.#heard.indexOf(end) + end.length;
      if (typeof end === "number" ? this.#heard.length >= end : found >= end.length) {
        const text = this.#heard.toString("latin1", 0, found);
        this.#heard = this.#heard.subarray(found);
        return text;
      }
      if (this.#over) throw this.#over;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  ask(question: string | Uint8Array, end: string | number): Promise<string> {
    this.send(question);
    return this.next(end);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
