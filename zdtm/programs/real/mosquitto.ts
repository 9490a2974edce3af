/** mosquitto, a broker of MQTT that keeps what it knows in a file: what one client publishes another one gets. */
import { writeFileSync } from "node:fs";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";
import { Wire } from "./wire.ts";

const text = (value: string) => [value.length >> 8, value.length & 0xff, ...Buffer.from(value)];
/** A packet of MQTT 3.1.1 of less than 128 bytes. */
const packet = (type: number, body: readonly number[]) => Uint8Array.of(type, body.length, ...body);
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

async function client(port: number, name: string): Promise<Wire> {
  const wire = await Wire.open(port);
  const answer = await wire.ask(packet(0x10, [...text("MQTT"), 4, 2, 0, 0, ...text(name)]), 4);
  if (answer !== "\x20\x02\0\0") throw new Error(`the broker answers ${JSON.stringify(answer)}`);
  return wire;
}

export const mosquitto: RealProgram = {
  name: "mosquitto with a publisher and a subscriber",
  missing: () => without("mosquitto", "mosquitto"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const settings = ["allow_anonymous true", "persistence true", `persistence_location ${stage.path}/`];
    const lines = [`listener ${port} 127.0.0.1`, "user root", "autosave_interval 1", ...settings, ""];
    writeFileSync(stage.file("conf"), lines.join("\n"));
    const program = await stage.start(["mosquitto", "-c", stage.file("conf")]);
    const [publisher, subscriber] = [await client(port, "one"), await client(port, "other")];
    await subscriber.ask(packet(0x82, [0, 1, ...text("news"), 0]), 5);
    const tally = new Tally();
    tally.keep("message", async (n) => {
      const message = packet(0x30, [...text("news"), ...Buffer.from(`message ${n}`)]);
      publisher.send(message);
      return { got: await subscriber.next(message.length), wanted: latin1(message) };
    });
    return {
      program,
      tally,
      words: ["--tcp-established"],
      async finish() {
        for (const wire of [publisher, subscriber]) wire[Symbol.dispose]();
      },
    };
  },
};
