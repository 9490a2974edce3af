import { expect, test } from "bun:test";
import { KernelTypes } from "./btf.ts";
import { closeFd } from "./fd.ts";
import { lookInside } from "./inside.ts";
import { packetBytes, packetsIn } from "./inside-packet.ts";
import { makeSocket, makeSocketPair, trySend, trySetNumber } from "./socket.ts";
import { AF, SO, SOCK, SOL } from "./uapi/socket.ts";

const types = KernelTypes.read();
const canLook = lookInside(() => true) === true;

test.skipIf(types === undefined)(
  "members are found in structures, in parts of them, and in parts without a name",
  () => {
    expect(types?.offsetOf("list_head", "prev")).toBe(8);
    expect(types?.offsetOf("sk_buff", "next")).toBe(0);
    const lock = types?.offsetOf("socket", "wq.fasync_list") ?? 0;
    expect(lock).toBe((types?.offsetOf("socket", "wq") ?? 0) + (types?.offsetOf("socket_wq", "fasync_list") ?? 0));
    expect(types?.offsetOf("list_head", "nothing")).toBeUndefined();
    expect(types?.offsetOf("no_such_structure", "next")).toBeUndefined();
  },
);

test.skipIf(!canLook)("what a socket is told is read back from the kernel's memory", () => {
  const fd = makeSocket(AF.INET, SOCK.DGRAM);
  try {
    for (const priority of [3, 6]) {
      trySetNumber(fd, SOL.SOCKET, SO.PRIORITY, priority);
      expect(lookInside((inside) => inside.socket(fd).int("sk_priority"))).toBe(priority);
    }
    const names = lookInside((inside) => inside.socket(fd).to("sk_prot_creator", "proto")?.in("name", "char").bytes(3));
    expect(Buffer.from(names ?? []).toString()).toBe("UDP");
  } finally {
    closeFd(fd);
  }
});

test.skipIf(!canLook)("what is not there is no value, and hurts nobody", () => {
  expect(lookInside((inside) => inside.bytes(0n, 8))).toBeUndefined();
  expect(lookInside((inside) => inside.bytes(0xffff_8000_0000_0008n, 8))).toBeUndefined();
  expect(lookInside((inside) => inside.offsetOf("sock", "sk_nothing"))).toBeUndefined();
});

test.skipIf(!canLook || process.arch !== "x64")("a packet is read, whether it lies in one piece or in pages", () => {
  const [one, other] = makeSocketPair(AF.UNIX, SOCK.STREAM);
  try {
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    trySend(one, { bytes: sent, rights: [], credentials: undefined });
    const seen = lookInside((inside) =>
      packetsIn(inside.socket(other), "sk_receive_queue").map((packet) => [
        packet.int("data_len"),
        packetBytes(packet),
      ]),
    );
    const bytes = seen?.map(([, part]) => part as Uint8Array) ?? [];
    expect(Buffer.compare(Buffer.concat(bytes), sent)).toBe(0);
    // part of it does lie in pages
    expect(seen?.some(([rest]) => rest !== 0)).toBe(true);
  } finally {
    closeFd(one);
    closeFd(other);
  }
});
