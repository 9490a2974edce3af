/** dnsmasq, a DNS server that is bound to all addresses and answers from the one that was asked (IP_PKTINFO). */
import { udpClient } from "./datagrams.ts";
import { freePort, type RealProgram, type Running, without } from "./real.ts";
import { Tally } from "./tally.ts";

/** A question for the address of a name (RFC 1035). */
function questionFor(name: string, id: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Uint8Array.of(id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1);
}

export const dnsmasq: RealProgram = {
  name: "dnsmasq asked by UDP",
  missing: () => without("dnsmasq", "dnsmasq-base"),

  async start(stage): Promise<Running> {
    const port = freePort();
    const names = ["--address=/one.test/10.1.2.3", "--address=/two.test/10.4.5.6"];
    const alone = ["--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=root"];
    const words = ["--keep-in-foreground", "--log-facility=-", `--port=${port}`, ...alone, ...names];
    const program = await stage.start(["dnsmasq", ...words]);
    await program.says(/started/);
    const client = await udpClient("127.0.0.1");
    const other = await udpClient("127.0.0.2"); // asks an address that no interface has by name
    const tally = new Tally();
    for (const [name, wanted] of [
      ["one.test", "10.1.2.3"],
      ["two.test", "10.4.5.6"],
    ] as const) {
      const asker = name === "one.test" ? client : other;
      tally.keep(name, async (n) => {
        const id = n & 0xffff;
        const got = await asker.ask(questionFor(name, id), port, (answer) =>
          ((answer[0] ?? 0) << 8) + (answer[1] ?? 0) === id ? answer.subarray(-4).join(".") : undefined,
        );
        return { got, wanted };
      });
    }
    return {
      program,
      tally,
      words: [],
      async finish() {
        await client[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
      },
    };
  },
};
