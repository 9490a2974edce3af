// zdtm: {"category": "sockets-inet", "verifies": "bound UDP sockets keep their ports and exchange packets"}
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

const heard: string[] = [];
const make = (name: string) =>
  Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, data, port, address) {
        heard.push(`${name} ${data.toString()}`);
        if (name === "server") socket.send(`re: ${data.toString()}`, port, address);
      },
    },
  });
const server = await make("server");
const client = await make("client");
const ports = [server.port, client.port];

await ready();
same([server.port, client.port], ports, "the ports");
if (spoiling()) server.close();
const send = () => client.send("hello", ports[0] ?? 0, "127.0.0.1");
send();
await until(() => heard.length >= (spoiling() ? 0 : 2), "the packets");
same(heard, ["server hello", "client re: hello"], "what was heard");
pass();
