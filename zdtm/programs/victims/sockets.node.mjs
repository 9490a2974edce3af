// WebSockets on node:http and nothing else (RFC 6455): answers each message with its number on this connection, and the
// message backwards; counts aloud by itself.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;

function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.alloc(2) : body.length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | TEXT;
  head[1] = head.length === 2 ? body.length : head.length === 4 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

/** The first whole frame, if it is there: what kind, what it says, and how long it is. */
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at + 4) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < at + 4 + size) return undefined;
  const mask = bytes.subarray(at, at + 4);
  const body = Buffer.from(bytes.subarray(at + 4, at + 4 + size));
  for (let i = 0; i < size; i++) body[i] ^= mask[i & 3];
  return { kind: bytes[0] & 0xf, isWhole: (bytes[0] & 0x80) !== 0, body, length: at + 4 + size };
}

const server = createServer((_, response) => response.end("a page"));
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
  let heard = Buffer.alloc(0);
  let parts = [];
  let count = 0;
  let ticks = 0;
  const ticking = setInterval(() => socket.write(frame(JSON.stringify({ tick: ++ticks }))), 10);
  socket.on("data", (bytes) => {
    heard = Buffer.concat([heard, bytes]);
    for (let it = parse(heard); it; it = parse(heard)) {
      heard = heard.subarray(it.length);
      if (it.kind === CLOSE) return socket.end(Buffer.from([0x88, 0]));
      if (it.kind > CLOSE) continue;
      parts.push(it.body);
      if (!it.isWhole) continue;
      const message = Buffer.concat(parts);
      parts = [];
      socket.write(frame(JSON.stringify({ count: ++count, pid: process.pid, echo: message.reverse().toString("latin1") })));
    }
  });
  socket.on("close", () => clearInterval(ticking));
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
