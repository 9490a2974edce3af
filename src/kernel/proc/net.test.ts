import { expect, test } from "bun:test";
import { parseNetSockets } from "./net.ts";

test("lines of both versions of IP are read", () => {
  const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n";
  const tail = "00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 0\n";
  const four = parseNetSockets(`${head}   1: 00000000:0001 0100007F:0000 01 ${tail}`);
  expect(four).toEqual([{ ino: 12345, state: 1, peer: Uint8Array.of(127, 0, 0, 1), peerPort: 0 }]);
  const zero = "0".repeat(32);
  const six = parseNetSockets(`${head}   58: ${zero}:003A ${zero.slice(8)}01000000:1234 07 ${tail}`);
  expect(six[0]).toMatchObject({ state: 7, peerPort: 0x1234 });
  expect([...(six[0]?.peer ?? [])]).toEqual([...Array(15).fill(0), 1]);
});
