import { describe, expect, test } from "bun:test";
import { CrError } from "../error.ts";
import { PayloadBuilder } from "../kernel/netlink.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { NfTables } from "../kernel/nftables.ts";
import { removeIptablesLock } from "./iptables-lock.ts";
import { removeLocks } from "./lock-rule.ts";

const v4 = (last: number, port: number) => ({ bytes: Uint8Array.of(127, 0, 0, last), port });
const v6 = (last: number, port: number) => ({ bytes: new Uint8Array(16).fill(last, 15), port });
const mapped = Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 9);
const connections = [
  { own: v4(1, 5000), peer: v4(2, 80) },
  { own: v6(1, 5001), peer: v6(1, 81) },
  { own: { bytes: mapped, port: 82 }, peer: { bytes: mapped, port: 5002 } },
];
const rule = (from: string, sport: number, to: string, dport: number) =>
  `-s ${from} -d ${to} -p tcp -m mark ! --mark 0xc114 -m tcp --sport ${sport} --dport ${dport} -j DROP`;
const lock = {
  ip: [
    `INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000)}`,
    `OUTPUT ${rule("127.0.0.1/32", 5000, "127.0.0.2/32", 80)}`,
    `INPUT ${rule("127.0.0.9/32", 5002, "127.0.0.9/32", 82)}`,
    `OUTPUT ${rule("127.0.0.9/32", 82, "127.0.0.9/32", 5002)}`,
  ],
  ip6: [`INPUT ${rule("::1/128", 81, "::1/128", 5001)}`, `OUTPUT ${rule("::1/128", 5001, "::1/128", 81)}`],
};
/** What is no part of it, however like it some are. */
const others = {
  ip: [
    "-A INPUT -p tcp -m tcp --dport 5000 -j DROP",
    // another's connection, the wrong way round, the wrong chain, and what asks for more or for less
    `-A INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5009)}`,
    `-A OUTPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000)}`,
    `-A FORWARD ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000)}`,
    `-A INPUT ${rule("127.0.0.2/31", 80, "127.0.0.1/32", 5000)}`,
    `-A INPUT -i lo ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000)}`,
    `-A INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000).replace("! --mark", "--mark")}`,
    `-A INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000).replace("DROP", "ACCEPT")}`,
    `-A INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000).replace("--dport 5000", "--dport 5000 --syn")}`,
    `-A INPUT ${rule("127.0.0.2/32", 80, "127.0.0.1/32", 5000).replace("--sport 80", "--sport 80:81")}`,
    "-A guard -s 10.0.0.0/8 -p tcp -m tcp --dport 80:90 -j RETURN",
    "-A guard -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A after -j ACCEPT",
    '-A OUTPUT -p icmp -m comment --comment "the gate" -j guard',
    "-A OUTPUT -p udp -g after",
    "-A INPUT -p udp -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff",
  ],
  ip6: ["-A INPUT -p tcp -m tcp --dport 5001 -j DROP", `-A OUTPUT ${rule("::1/128", 81, "::1/128", 5001)}`],
};

function run(words: readonly string[], input = ""): string {
  const done = Bun.spawnSync([...words], { stdin: Buffer.from(input) });
  if (!done.success) throw new Error(`${words.join(" ")}: ${done.stderr}`);
  return done.stdout.toString();
}

const tools = { ip: "iptables", ip6: "ip6tables" } as const;
const families = ["ip", "ip6"] as const;
type Kind = "nft" | "legacy";

/** What iptables tells, without its comments and, where they may change, without what was counted. */
function saved(kind: Kind): string {
  const all = families.map((family) => run([`${tools[family]}-${kind}-save`, "-c"])).join("");
  const plain = all.replace(/^#.*\n/gm, "");
  return kind === "nft" ? plain.replace(/^\[\d+:\d+\] /gm, "").replace(/ \[\d+:\d+\]$/gm, "") : plain;
}

/** iptables forgets them with each change. */
const heads = [":INPUT DROP [7:700]", ":FORWARD ACCEPT [8:800]", ":OUTPUT ACCEPT [9:900]"];

/** Other people's rules, each counted otherwise. */
function makeOthers(kind: Kind): void {
  for (const family of families) {
    const own = family === "ip" ? [":guard - [0:0]", ":after - [0:0]"] : [];
    const rules = others[family].map((words, index) => `[${index + 1}:${100 * (index + 1)}] ${words}`);
    const text = ["*filter", ...heads, ...own, ...rules, "COMMIT", ""].join("\n");
    run([`${tools[family]}-${kind}-restore`, "-c"], text);
  }
}

/** As CRIU does: in front of all others. */
function makeLock(kind: Kind): void {
  for (const family of families) {
    const rules = lock[family].map((words) => `-I ${words}`);
    const text = ["*filter", ...heads, ...rules, "COMMIT", ""].join("\n");
    run([`${tools[family]}-${kind}-restore`, "-c", "--noflush"], text);
  }
}

function makeWhole(kind: Kind): void {
  const rules = ["-I INPUT -j CRIU", "-I OUTPUT -j CRIU", "-A CRIU -m mark --mark 0xc114 -j ACCEPT", "-A CRIU -j DROP"];
  const text = ["*filter", ...heads, ":CRIU - [0:0]", ...rules, "COMMIT", ""].join("\n");
  for (const family of families) run([`${tools[family]}-${kind}-restore`, "-c", "--noflush"], text);
}

type Fill = readonly [name: string, fill: (data: PayloadBuilder) => unknown];
const isRoot = process.getuid?.() === 0;

for (const kind of ["nft", "legacy"] as const) {
  const lacking = isRoot ? [`iptables-${kind}`, `ip6tables-${kind}`].find((tool) => Bun.which(tool) === null) : "root";
  const name = `the lock that iptables-${kind} made${lacking ? ` (needs ${lacking})` : ""}`;
  describe.skipIf(lacking !== undefined)(name, () => {
    test("goes, and other people's rules stay as they are", () =>
      inFreshNetwork(() => {
        makeOthers(kind);
        const before = saved(kind);
        expect(before.match(/-A /g)?.length).toBe(others.ip.length + others.ip6.length);
        makeLock(kind);
        expect(saved(kind)).not.toBe(before);
        expect(removeIptablesLock(connections)).toEqual([]);
        expect(saved(kind)).toBe(before);
        // there is nothing left to do
        expect(removeIptablesLock(connections, true)).toEqual([]);
        expect(saved(kind)).toBe(before);
      }));

    test("of one connection goes alone", () =>
      inFreshNetwork(() => {
        makeOthers(kind);
        makeLock(kind);
        const before = saved(kind).split("\n");
        expect(removeIptablesLock(connections.slice(0, 1))).toEqual([]);
        const gone = (line: string) => lock.ip.slice(0, 2).some((words) => line.endsWith(`-A ${words}`));
        expect(before.filter(gone).length).toBe(2);
        expect(saved(kind).split("\n")).toEqual(before.filter((line) => !gone(line)));
      }));

    test("of a whole network namespace goes where it may, with its chain", () =>
      inFreshNetwork(() => {
        makeOthers(kind);
        const before = saved(kind);
        makeWhole(kind);
        makeLock(kind);
        const locked = saved(kind);
        expect(removeIptablesLock(connections)).toEqual([]);
        expect(saved(kind)).toContain("-A OUTPUT -j CRIU");
        expect(locked).toContain(":CRIU - [0:0]".slice(0, kind === "nft" ? 7 : undefined));
        expect(removeIptablesLock([], true)).toEqual([]);
        expect(saved(kind)).toBe(before);
      }));
  });
}

/** As iptables wrote them that had no words of nf_tables for marks and ports yet. */
test.skipIf(!isRoot || Bun.which("iptables-nft") === null)(
  "rules in older iptables' form are found, too (needs root, iptables-nft)",
  () =>
    inFreshNetwork(() => {
      run(["iptables-nft", "-P", "INPUT", "ACCEPT"]);
      const ports = [80, 80, 5000, 5000].flatMap((port) => [port & 0xff, port >> 8]);
      const mark = [0x14, 0xc1, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0];
      const match = (name: string, revision: number, info: readonly number[]): Fill => [
        "match",
        (data) => data.text(1, name).be32(2, revision).attribute(3, Uint8Array.from(info)),
      ];
      const payload = (offset: number, length: number): Fill => [
        "payload",
        (data) => data.be32(1, 1).be32(2, 1).be32(3, offset).be32(4, length),
      ];
      const is = (...bytes: number[]): Fill => [
        "cmp",
        (data) =>
          data
            .be32(1, 1)
            .be32(2, 0)
            .nest(3, (value) => value.attribute(1, Uint8Array.from(bytes))),
      ];
      const drop: Fill = [
        "immediate",
        (data) => data.be32(1, 0).nest(2, (value) => value.nest(2, (verdict) => verdict.be32(1, 0))),
      ];
      const address = [payload(12, 4), is(127, 0, 0, 2), payload(16, 4), is(127, 0, 0, 1), payload(9, 1), is(6)];
      const make = (...steps: readonly Fill[]) => {
        const rule = new PayloadBuilder()
          .raw(Uint8Array.of(2, 0, 0, 0))
          .text(1, "filter")
          .text(2, "INPUT");
        rule.nest(4, (list) => {
          for (const [name, fill] of steps)
            list.nest(1, (step) => step.text(1, name).nest(2, (data) => void fill(data)));
        });
        rule.nest(5, (compat) => compat.be32(1, 6).be32(2, 0));
        using tables = new NfTables();
        tables.make("cannot make a rule", [{ type: 0xa06, flags: 0xc00, payload: rule.build() }]);
      };
      make(...address, match("mark", 1, mark), match("tcp", 0, [...ports, 0, 0, 0, 0]), drop);
      make(...address, match("mark", 1, mark), match("tcp", 0, [...ports, 0, 0, 0, 2]), drop);
      expect(saved("nft").match(/-A INPUT/g)?.length).toBe(2);
      expect(removeIptablesLock(connections)).toEqual([]);
      expect(saved("nft").match(/-A INPUT.*/g)).toEqual([expect.stringContaining("! --dport 5000")]);
    }),
);

test("rules that change meanwhile are looked at again, those that stay are told with the reason", () => {
  let looks = 0;
  const failing = (code: string) => () => {
    throw new CrError("cannot", { code });
  };
  const changing = () => [
    { tool: "iptables-nft", words: ["-A one"], remove: looks++ < 2 ? failing("ENOENT") : () => {} },
  ];
  expect(removeLocks(changing)).toEqual([]);
  expect(looks).toBe(3);
  const staying = () => [{ tool: "iptables-nft", words: ["-A one", "-A two"], remove: failing("EPERM") }];
  expect(removeLocks(staying)).toEqual(["iptables-nft -A one (EPERM)", "iptables-nft -A two (EPERM)"]);
});
