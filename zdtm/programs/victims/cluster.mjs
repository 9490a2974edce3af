// A server of several processes for node: the first one takes connections and hands them to the workers, whom it talks with.
import cluster from "node:cluster";
import { createServer } from "node:http";

const workers = 3;

if (cluster.isPrimary) {
  let ready = 0;
  cluster.on("listening", (_, { port }) => {
    if (++ready === workers) console.log(`port ${port}`);
  });
  // answers each message of a worker, in order
  cluster.on("message", (worker, { count }) => worker.send({ count }));
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  let count = 0;
  let acknowledged = 0;
  process.on("message", (message) => {
    if (message.count !== ++acknowledged) console.log(`wrong: ${message.count} came, not ${acknowledged}`);
  });
  const server = createServer((request, response) => {
    process.send({ count: ++count });
    response.end(`${request.url} answered`);
  });
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
}
