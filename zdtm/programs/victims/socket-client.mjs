// A client in the tree, for node and bun: asks over WebSockets without end, checks every answer, and reports.
//   node socket-client.mjs URL REPORT CLIENTS
import { appendFileSync } from "node:fs";

const [, , url, report, clients] = process.argv;
let [asked, answered, wrong, pause] = [0, 0, 0, 0];
let ending = false;
process.on("SIGTERM", () => (ending = true));

function tell(last = "") {
  appendFileSync(report, `${asked} ${answered} ${wrong} ${pause.toFixed(3)}${last}\n`);
}

async function client(number) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  for (let count = 1; !ending; count++) {
    const question = `${number} asks ${count} ${"-".repeat((count * 7919) % (count % 7 === 0 ? 200_000 : 500))}`;
    const since = performance.now();
    asked++;
    const answer = await new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data);
      socket.onclose = ({ code }) => reject(new Error(`client ${number} is closed: ${code}`));
      socket.send(question);
    });
    pause = Math.max(pause, performance.now() - since);
    answered++;
    if (answer !== `${count} ${[...question].reverse().join("")}`) wrong++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.onclose = null;
  socket.close();
}

const telling = setInterval(() => tell(), 20);
await Promise.all(Array.from({ length: Number(clients) }, (_, number) => client(number)));
clearInterval(telling);
tell(" over");
process.exit(0);
