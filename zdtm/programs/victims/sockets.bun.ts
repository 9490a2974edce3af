/**
 * WebSockets of Bun.serve: answers each message with its number on this connection, and the message backwards; counts aloud
 * by itself.
 */
interface Connection {
  count: number;
  ticks: number;
  ticking: Timer | undefined;
}

const server = Bun.serve<Connection>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, it) {
    const data = { count: 0, ticks: 0, ticking: undefined };
    return it.upgrade(request, { data }) ? undefined : new Response("a page");
  },
  websocket: {
    idleTimeout: 0,
    open(socket) {
      const tick = () => socket.send(JSON.stringify({ tick: ++socket.data.ticks }));
      socket.data.ticking = setInterval(tick, 10);
    },
    message(socket, message) {
      const echo = Buffer.from(message).reverse().toString("latin1");
      socket.send(JSON.stringify({ count: ++socket.data.count, pid: process.pid, echo }));
    },
    close(socket) {
      clearInterval(socket.data.ticking);
    },
  },
});
console.log(`port ${server.port}`);
