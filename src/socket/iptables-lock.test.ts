import { expect, test } from "bun:test";
import { lockRules } from "./iptables-lock.ts";

const v4 = (last: number, port: number) => ({ bytes: Uint8Array.of(127, 0, 0, last), port });
const rule = (chain: string, from: string, sport: number, to: string, dport: number) =>
  `-A ${chain} -s ${from} -d ${to} -p tcp -m mark ! --mark 0xc114 -m tcp --sport ${sport} --dport ${dport} -j DROP`;

test("of all rules those of the connections' lock are found, of both families", () => {
  const loopback = new Uint8Array(16).fill(1, 15);
  const mapped = Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 9);
  const lock = [
    rule("INPUT", "127.0.0.2/32", 80, "127.0.0.1/32", 5000),
    rule("OUTPUT", "127.0.0.1/32", 5000, "127.0.0.2/32", 80),
    rule("INPUT", "::1/128", 81, "::1/128", 5001),
    rule("OUTPUT", "127.0.0.9/32", 82, "127.0.0.9/32", 5002),
  ];
  const others = [
    "*filter",
    ":INPUT ACCEPT [0:0]",
    "-A INPUT -p tcp -m tcp --dport 5000 -j DROP",
    rule("INPUT", "127.0.0.2/32", 80, "127.0.0.1/32", 5009),
    rule("OUTPUT", "127.0.0.2/32", 80, "127.0.0.1/32", 5000),
    "COMMIT",
  ];
  const connections = [
    { own: v4(1, 5000), peer: v4(2, 80) },
    { own: { bytes: loopback, port: 5001 }, peer: { bytes: loopback, port: 81 } },
    { own: { bytes: mapped, port: 82 }, peer: { bytes: mapped, port: 5002 } },
  ];
  expect(lockRules([...others, ...lock].join("\n"), connections)).toEqual(lock);
});
