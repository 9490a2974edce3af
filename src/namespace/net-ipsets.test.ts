import { expect, test } from "bun:test";
import type { TscriuIpset } from "../image/schema.gen.ts";
import { attributeList, PayloadBuilder } from "../kernel/netlink.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { checkIpsets, readIpsets, writeIpsets } from "./net-ipsets.ts";
import { readXtables, writeXtables } from "./net-xtables.ts";

const NESTED = 0x8000;
const NETWORK_ORDER = 0x4000;
// linux/netfilter/ipset/ip_set.h
const ATTR = { IP: 1, CIDR: 3, PORT: 4, TIMEOUT: 6, PROTO: 7, FLAGS: 8, DATA: 7, NAME: 18, COMMENT: 26 } as const;
const WITH_COMMENT = 16;

const built = (fill: (to: PayloadBuilder) => void) => {
  const to = new PayloadBuilder();
  fill(to);
  return to.build();
};
const be32 = (value: number) => Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const address = (to: PayloadBuilder, ...bytes: number[]) =>
  to.nest(ATTR.IP, (ip) => ip.attribute(1 | NETWORK_ORDER, Uint8Array.from(bytes)));
const elements = (...all: ((to: PayloadBuilder) => void)[]) => [
  built((to) => {
    for (const one of all) to.attribute(ATTR.DATA | NESTED, built(one));
  }),
];

const set = (name: string, index: number, type: string, revision: number, more: Partial<TscriuIpset>): TscriuIpset => ({
  ...{ name, index, type, revision, family: 2, options: new Uint8Array(0), elements: [] },
  ...more,
});
const SETS = [
  set("hosts", 0, "hash:ip", 4, {
    options: built((to) => to.attribute(ATTR.FLAGS | NETWORK_ORDER, be32(WITH_COMMENT))),
    elements: elements(
      (to) => address(to, 10, 1, 2, 3).text(ATTR.COMMENT, "the first"),
      (to) => address(to, 10, 1, 2, 4),
    ),
  }),
  // others between them are gone
  set("ways", 3, "hash:net,port", 7, {
    options: built((to) => to.attribute(ATTR.TIMEOUT | NETWORK_ORDER, be32(0))),
    elements: elements((to) =>
      address(to, 10, 0, 0, 0)
        .u8(ATTR.CIDR, 8)
        .attribute(ATTR.PORT | NETWORK_ORDER, Uint8Array.of(0, 80))
        .u8(ATTR.PROTO, 6),
    ),
  }),
  set("six", 4, "hash:ip", 4, { family: 10 }),
  set("all", 5, "list:set", 3, { family: 0, elements: elements((to) => to.text(ATTR.NAME, "hosts")) }),
];

const isRoot = process.getuid?.() === 0;
const hasSets = isRoot && inFreshNetwork(tryMake);

function tryMake(): boolean {
  try {
    writeIpsets(SETS.slice(0, 1));
    return true;
  } catch {
    return false;
  }
}

/** The kernel's order is by chance. */
const plain = (sets: readonly TscriuIpset[]) =>
  sets.map(({ options, elements, ...one }) => ({
    ...one,
    elements: elements
      .flatMap((bytes) => attributeList(bytes).map(([, element]) => Buffer.from(element).toString("hex")))
      .sort(),
  }));

test.skipIf(!hasSets)("sets come back with what is in them, under their numbers (needs root and ipset)", () => {
  const first = inFreshNetwork(() => {
    writeIpsets(SETS);
    return readIpsets();
  });
  expect(first.map(({ name, index, type }) => [name, index, type])).toEqual(
    SETS.map(({ name, index, type }) => [name, index, type]),
  );
  expect(plain(first).map(({ elements }) => elements.length > 0)).toEqual([true, true, false, true]);
  const second = inFreshNetwork(() => {
    writeIpsets(first);
    return readIpsets();
  });
  expect(plain(second)).toEqual(plain(first));
});

const iptables = Bun.which("iptables-legacy") !== null;
test.skipIf(!hasSets || !iptables)("rules of iptables ask the sets that they did (needs iptables-legacy)", () => {
  const listed = () =>
    Bun.spawnSync(["iptables-legacy-save"])
      .stdout.toString()
      .replace(/^#.*\n/gm, "");
  const [before, sets, tables] = inFreshNetwork(() => {
    writeIpsets(SETS);
    for (const words of ["ways src,dst", "hosts src"])
      Bun.spawnSync(["sh", "-c", `iptables-legacy -A INPUT -m set --match-set ${words} -j DROP`]);
    return [listed(), readIpsets(), readXtables()] as const;
  });
  expect(before).toContain("--match-set ways src,dst");
  const after = inFreshNetwork(() => {
    writeIpsets(sets);
    writeXtables(tables);
    return listed();
  });
  expect(after).toBe(before);
});

test("numbers and names that cannot be are refused", () => {
  const one = set("a", 0, "hash:ip", 4, {});
  checkIpsets([one]);
  for (const wrong of [{ index: 70_000 }, { name: "" }, { name: "x".repeat(40) }, { type: "hash\0ip" }])
    expect(() => checkIpsets([{ ...one, ...wrong }])).toThrow("no name or number that can be");
  expect(() => checkIpsets([one, { ...one, name: "b" }])).toThrow("no name or number that can be");
});
