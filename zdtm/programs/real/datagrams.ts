/** A client that asks by UDP: as all of its kind it asks again when no answer comes. */
import { createSocket } from "node:dgram";

/** Milliseconds until it asks again. */
const again = 100;

export interface UdpClient extends AsyncDisposable {
  /** Sends until an answer is taken; `is` looks at each that comes. */
  ask<T>(question: Uint8Array, port: number, is: (answer: Uint8Array) => T | undefined): Promise<T>;
}

export async function udpClient(host = "127.0.0.1"): Promise<UdpClient> {
  const socket = createSocket("udp4");
  const takers = new Set<(answer: Uint8Array) => void>();
  socket.on("message", (answer) => {
    for (const take of takers) take(answer);
  });
  // nobody is at the port while the program is away
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  return {
    ask(question, port, is) {
      return new Promise((resolve) => {
        const send = () => socket.send(question, port, host, () => undefined);
        const timer = setInterval(send, again);
        const take = (answer: Uint8Array) => {
          const found = is(answer);
          if (found === undefined) return;
          clearInterval(timer);
          takers.delete(take);
          resolve(found);
        };
        takers.add(take);
        send();
      });
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
