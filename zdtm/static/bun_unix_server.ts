// zdtm: {"category": "sockets-unix", "verifies": "a server on a unix socket path lets clients in and remembers what it was told"}
import { connect, createServer } from "node:net";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const told: string[] = [];
const server = createServer((socket) => {
  socket.on("data", (bytes) => {
    told.push(bytes.toString());
    socket.end(told.join(","));
  });
});
await new Promise<void>((resolve) => server.listen("server.sock", resolve));
const tell = (what: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = "";
    const client = connect("server.sock", () => client.write(what));
    client.on("data", (bytes) => {
      answer += bytes.toString();
    });
    client.on("close", () => resolve(answer));
    client.on("error", reject);
  });
same(await tell("one"), "one", "the first answer");
await ready();
if (spoiling()) told.push("zero");
same(await tell("two"), "one,two", "the second answer");
pass();
