import { expect, test } from "bun:test";
import { PayloadBuilder } from "../kernel/netlink.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { hasAccounts, readCounted, writeAccounts } from "./net-counted.ts";

const [NAME, PACKETS, BYTES, FLAGS, QUOTA] = [1, 2, 3, 5, 6];
const be64 = (value: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, value >> 8, value & 0xff);
const account = (name: string) => {
  const built = new PayloadBuilder().raw(new Uint8Array(4)).text(NAME, name);
  return built.attribute(PACKETS, be64(7)).attribute(BYTES, be64(700));
};

test.skipIf(process.getuid?.() !== 0)(
  "objects of accounting are made with what they counted (skipped without root)",
  () => {
    const plain = account("one").build();
    const limited = account("two").be32(FLAGS, 1).attribute(QUOTA, be64(999)).build();
    const messages = [plain, limited].map((payload) => ({ kind: "object of accounting", payload }));
    expect(hasAccounts(messages)).toBeTrue();
    inFreshNetwork(() => {
      const lost: string[] = [];
      expect(readCounted()).toEqual([]);
      writeAccounts(messages, (what) => lost.push(what));
      // a kernel built without them says so
      if (lost.length > 0) return;
      const hex = readCounted().map(({ payload }) => Buffer.from(payload).toString("hex"));
      expect(hex.sort()).toEqual(messages.map(({ payload }) => Buffer.from(payload).toString("hex")).sort());
    });
  },
);
