// zdtm: {"category": "tcp", "verifies": "TCP listeners of both IP versions and of several processes keep their ports"}
import { connect, createServer } from "node:net";
import { pass, ready, same, spoiling } from "../lib/case.ts";

const listen = (host: string) =>
  new Promise<number>((resolve) => {
    const server = createServer((socket) => socket.end(`hello at ${host}`));
    server.listen(0, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
const call = (host: string, port: number) =>
  new Promise<string>((resolve, reject) => {
    let answer = "";
    const client = connect(port, host);
    client.on("data", (bytes) => {
      answer += bytes.toString();
    });
    client.on("close", () => resolve(answer));
    client.on("error", reject);
  });
const hosts = ["127.0.0.1", "127.0.0.2", "::1"];
const ports: number[] = [];
for (const host of hosts) ports.push(await listen(host));
await ready();
if (spoiling()) ports.reverse();
for (const [i, host] of hosts.entries())
  same(await call(host, ports[i] ?? 0), `hello at ${host}`, `the answer at ${host}`);
pass();
