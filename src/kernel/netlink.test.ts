import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import {
  attributeList,
  encodeMessage,
  Fields,
  NetlinkSocket,
  PayloadBuilder,
  parseAttributes,
  parseMessages,
} from "./netlink.ts";
import { NETLINK_OPT } from "./uapi/socket.ts";

const RTM_GETLINK = 18;
const RTM_NEWLINK = 16;
const IFLA_IFNAME = 3;

describe("codec", () => {
  const payload = new PayloadBuilder()
    .raw(Uint8Array.of(1, 2, 3, 4, 5))
    .u8(1, 200)
    .u16(2, 0x1234)
    .be16(3, 0x1234)
    .u32(4, 0xdeadbeef)
    .be32(5, 0xdeadbeef)
    .u64(6, 0xfffffffffffffff1n)
    .text(7, "naïve")
    .nest(8, (inner) => inner.u32(1, 7).nest(2, (deep) => deep.text(1, "x")))
    .attribute(9, new Uint8Array(0))
    .u8(1, 201)
    .build();

  test("what was built is read", () => {
    const fields = new Fields(payload).attributes(5);
    const get = (type: number) => new Fields(fields.get(type) ?? new Uint8Array(0));
    expect(get(1).u8()).toBe(201);
    expect(get(2).u16()).toBe(0x1234);
    expect(get(3).be16()).toBe(0x1234);
    expect(get(4).u32()).toBe(0xdeadbeef);
    expect([...get(5).bytes]).toEqual([0xde, 0xad, 0xbe, 0xef]);
    expect(get(6).u64()).toBe(0xfffffffffffffff1n);
    expect(get(7).text()).toBe("naïve");
    const nested = parseAttributes(get(8).bytes);
    // NLA_F_NESTED, which strict receivers want
    expect(Buffer.from(payload).includes(Uint8Array.of(8, 0x80))).toBe(true);
    expect(new Fields(nested.get(1) ?? new Uint8Array(0)).u32()).toBe(7);
    expect(new Fields(parseAttributes(nested.get(2) ?? new Uint8Array(0)).get(1) ?? new Uint8Array(0)).text()).toBe(
      "x",
    );
    expect(fields.get(9)).toHaveLength(0);
    expect(attributeList(payload.subarray(8)).map(([type]) => type)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
    expect(payload.length % 4).toBe(0);
  });

  test("messages, one behind the other", () => {
    const one = encodeMessage({ type: 16, flags: 3, sequence: 7, port: 9, payload: Uint8Array.of(1, 2, 3) });
    const two = encodeMessage({ type: 17, flags: 0, sequence: 8, port: 0, payload: new Uint8Array(0) });
    expect(parseMessages(Buffer.concat([one, two]))).toEqual([
      { type: 16, flags: 3, sequence: 7, port: 9, payload: Buffer.from([1, 2, 3]) },
      { type: 17, flags: 0, sequence: 8, port: 0, payload: Buffer.alloc(0) },
    ]);
    // the padding of the last may be missing
    expect(parseMessages(one.subarray(0, 19))).toHaveLength(1);
  });

  test("every cut is refused, and never read beyond", () => {
    const message = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 0, payload });
    for (let length = 1; length < message.length; length++) {
      expect(() => parseMessages(message.subarray(0, length))).toThrow("netlink: a message");
    }
    const attributes = payload.subarray(8);
    const ends = new Set<number>();
    let at = 0;
    for (const [, value] of attributeList(attributes)) {
      ends.add(at + 4 + value.length);
      at += 4 + Math.ceil(value.length / 4) * 4;
      ends.add(at);
    }
    for (let length = 1; length < attributes.length; length++) {
      const cut = attributes.subarray(0, length);
      // within the padding of a value nothing is missing
      const padding = [...ends].some((end) => end <= length && length < Math.ceil(end / 4) * 4);
      if (ends.has(length) || padding) expect(attributeList(cut).length).toBeGreaterThan(0);
      else expect(() => attributeList(cut)).toThrow("netlink: an attribute");
    }
  });

  test("impossible lengths", () => {
    const header = new Uint8Array(16);
    expect(() => parseMessages(header)).toThrow("impossible length");
    expect(() => parseAttributes(Uint8Array.of(3, 0, 1, 0))).toThrow("impossible length");
    expect(() => parseAttributes(Uint8Array.of(9, 0, 1, 0, 1, 2, 3, 4))).toThrow("impossible length");
    expect(() => new Fields(new Uint8Array(3), "row").u32()).toThrow("row is too short");
    expect(() => new Fields(new Uint8Array(3)).attributes(4)).toThrow("too short");
    const long = new Uint8Array(1000).fill(7);
    expect(new PayloadBuilder().raw(long).build()).toEqual(long);
    expect(() => new PayloadBuilder().attribute(1, new Uint8Array(0x10000))).toThrow("too long");
  });
});

describe("the kernel answers", () => {
  const interfaceMessage = (index = 0) => {
    const view = new DataView(new ArrayBuffer(16));
    view.setInt32(4, index, true);
    return new Uint8Array(view.buffer);
  };

  test("a dump of all devices", () => {
    using link = new NetlinkSocket(0);
    const names = link.dump("cannot list devices", RTM_GETLINK, interfaceMessage()).map((message) => {
      expect(message.type).toBe(RTM_NEWLINK);
      return new Fields(new Fields(message.payload).attributes(16).get(IFLA_IFNAME) ?? new Uint8Array(0)).text();
    });
    expect(names).toContain("lo");
    for (const name of Object.keys(networkInterfaces())) expect(names).toContain(name);
  });

  test("one object, and then another over the same socket", () => {
    using link = new NetlinkSocket(0);
    for (let i = 0; i < 3; i++) {
      const wanted = new PayloadBuilder().raw(interfaceMessage()).text(IFLA_IFNAME, "lo").build();
      const [message, ...more] = link.request("cannot find lo", RTM_GETLINK, wanted);
      expect(more).toEqual([]);
      expect(new Fields(message?.payload ?? new Uint8Array(0)).i32(4)).toBe(1);
    }
  });

  test("an error has its name, what was wanted, and the kernel's words where it has some", () => {
    using link = new NetlinkSocket(0);
    expect(() => link.request("cannot find a device", RTM_GETLINK, interfaceMessage(987654))).toThrow(
      "cannot find a device: no such device",
    );
    // the socket is still of use
    expect(link.dump("cannot list devices", RTM_GETLINK, interfaceMessage()).length).toBeGreaterThan(0);
    const odd = interfaceMessage();
    odd[2] = 9;
    using strict = new NetlinkSocket(0);
    strict.option(NETLINK_OPT.GET_STRICT_CHK, true);
    expect(() => strict.dump("cannot list", RTM_GETLINK, odd)).toThrow(/^cannot list: invalid argument \(.{9,}\)$/);
    // the kernel repeats the whole request in its answer, or the header alone
    for (const capped of [true, false]) {
      expect(strict.option(NETLINK_OPT.CAP_ACK, capped)).toBe(true);
      const wanted = new PayloadBuilder().raw(odd).text(IFLA_IFNAME, "lo").build();
      expect(() => strict.request("cannot get", RTM_GETLINK, wanted)).toThrow(
        /^cannot get: invalid argument \(.{9,}\)$/,
      );
    }
    expect(strict.option(9999, true)).toBe(false);
  });
});
