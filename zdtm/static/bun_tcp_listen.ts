// zdtm: {"category": "sockets-inet", "verifies": "a listening TCP socket takes connections, and both directions work"}
import { pass, ready, same, spoiling } from "../lib/case.ts";

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket, data) {
      socket.write(`echo ${data.toString()}`);
    },
  },
});

await ready();
if (spoiling()) server.stop(true);
const heard: string[] = [];
let answer: () => void = () => {};
const socket = await Bun.connect({
  hostname: "127.0.0.1",
  port: server.port,
  socket: {
    data(_, data) {
      heard.push(data.toString());
      answer();
    },
  },
});
for (const word of ["one", "two"]) {
  const told = new Promise<void>((resolve) => {
    answer = resolve;
  });
  socket.write(word);
  await told;
}
same(heard, ["echo one", "echo two"], "the answers");
pass();
