import { expect, test } from "bun:test";
import { ERRNO } from "../kernel/errno.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { answerTelling, errorOf, isAnswer, isTold, readdressed } from "./icmp-packet.ts";
import { checksum, pseudoHeader } from "./ip-packet.ts";

const four = {
  own: { bytes: Uint8Array.of(127, 0, 0, 1), port: 1000 },
  peer: { bytes: Uint8Array.of(192, 0, 2, 7), port: 53 },
};
const six = {
  own: { bytes: Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0)), port: 1000 },
  peer: { bytes: Uint8Array.from({ length: 16 }, (_, i) => i + 1), port: 53 },
};

test("an answer tells the error that it was made for", () => {
  for (const ends of [four, six]) {
    for (const name of ["ECONNREFUSED", "EPROTO", "EACCES", "EHOSTDOWN", "ENOPROTOOPT"]) {
      const errno = ERRNO[name] ?? 0;
      if (!isTold(errno, ends.peer.bytes)) continue;
      const packet = answerTelling(errno, ends, IPPROTO.UDP);
      expect(isAnswer(packet)).toBe(true);
      expect(errorOf(packet)).toBe(errno);
    }
    expect(isTold(ERRNO.EMSGSIZE ?? 0, ends.peer.bytes)).toBe(false);
  }
  expect(isTold(ERRNO.EHOSTDOWN ?? 0, six.peer.bytes)).toBe(false);
});

test("another address and port leave a message whole", () => {
  const refused = ERRNO.ECONNREFUSED ?? 0;
  const moved = readdressed(answerTelling(refused, four, IPPROTO.UDP), {
    bytes: Uint8Array.of(127, 0, 0, 9),
    port: 7777,
  });
  expect(errorOf(moved)).toBe(refused);
  expect([...moved.subarray(16, 20)]).toEqual([127, 0, 0, 9]);
  expect([...moved.subarray(28 + 12, 28 + 16)]).toEqual([127, 0, 0, 9]);
  expect(moved[48]).toBe(7777 >> 8);
  expect(checksum([moved.subarray(20)])).toBe(0);
  const to = { bytes: six.own.bytes, port: 7777 };
  const message = readdressed(answerTelling(refused, six, IPPROTO.UDP), to).subarray(40);
  expect(checksum([...pseudoHeader({ own: to, peer: six.peer }, IPPROTO.ICMPV6, message.length), message])).toBe(0);
});

test("what is about no datagram is none", () => {
  const packet = answerTelling(ERRNO.ECONNREFUSED ?? 0, four, IPPROTO.TCP);
  expect(isAnswer(packet)).toBe(false);
  expect(isAnswer(new Uint8Array(3))).toBe(false);
});
