// zdtm: {"category": "sockets-inet", "verifies": "UDP sockets of a JavaScript program keep their ports and pass datagrams on"}
import { pass, ready, same, spoiling, until } from "../lib/case.ts";

const got: string[] = [];
const receiver = await Bun.udpSocket({
  hostname: "127.0.0.1",
  socket: { data: (_, bytes, port) => void got.push(`${bytes.toString()} from ${port}`) },
});
const sender = await Bun.udpSocket({ hostname: "127.0.0.1" });
sender.send("before", receiver.port, "127.0.0.1");
await until(() => got.length === 1, "the datagram before");
const ports = [receiver.port, sender.port];
await ready();
sender.send(spoiling() ? "never" : "after", ports[0] ?? 0, "127.0.0.1");
await until(() => got.length === 2, "the datagram after");
same(got, [`before from ${ports[1]}`, `after from ${ports[1]}`], "the datagrams");
receiver.close();
sender.close();
pass();
