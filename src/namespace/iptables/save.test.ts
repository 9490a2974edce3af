import { describe, expect, test } from "bun:test";
import { errorLines } from "../../error.ts";
import { inFreshNetwork } from "../../kernel/network.ts";
import { readXtable, replaceXtable, xtables } from "../../kernel/xtables.ts";
import { readSaved, savedWords } from "./save.ts";

const RULES = {
  iptables: `
-N guard
-N after
-P FORWARD DROP
-A guard -s 10.0.0.0/8 -p tcp --dport 80:90 -j RETURN
-A guard -m state --state ESTABLISHED,RELATED -j ACCEPT
-A after -j ACCEPT
-A FORWARD ! -s 10.1.0.0/255.255.0.255 -d 1.2.3.4 -i eth+ ! -o lo -j guard
-A INPUT -f -p udp -g after
-A INPUT -m conntrack --ctstate NEW,RELATED,UNTRACKED -j ACCEPT
-A INPUT -m conntrack ! --ctstate DNAT --ctdir REPLY -j ACCEPT
-A INPUT -m limit --limit 3/sec -j LOG --log-prefix "a \\"b"
-A INPUT -m limit --limit 100/hour --limit-burst 9 -j LOG --log-level debug --log-ip-options --log-uid
-A INPUT -m limit --limit 7/min
-A INPUT -m limit --limit 9/day --limit-burst 1
-A INPUT -p tcp -m multiport --dports 1,2,3:5 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m multiport ! --ports 7:8,9 -j REJECT
-A INPUT -m addrtype ! --src-type LOCAL,UNICAST --dst-type LOCAL --limit-iface-in -m mark --mark 0x5/0xff
-A INPUT -p icmp --icmp-type 8 -j RETURN
-A INPUT -p icmp --icmp-type 3/1 -j RETURN
-A INPUT -p icmp ! --icmp-type any -j RETURN
-A INPUT -p udp ! --dport 5:6 -m iprange --src-range 1.2.3.4-1.2.3.9 -m pkttype ! --pkt-type broadcast -m mac ! --mac-source 00:11:22:33:44:55
-A INPUT -p tcp ! --syn --tcp-option 7 --sport 1024: -m comment --comment "the gate" -m connmark ! --mark 7 -j DROP
-A INPUT -p 89 -j DROP
-A OUTPUT -m owner --uid-owner 5 -j DROP
-A OUTPUT -m owner ! --uid-owner 5-9 --gid-owner 7 --suppl-groups -j DROP
-A OUTPUT -m owner ! --socket-exists -j DROP
-A INPUT -j NFLOG --nflog-group 3 --nflog-prefix "seen here" --nflog-size 96 --nflog-threshold 5
-A INPUT -j NFLOG
-A INPUT -j NFQUEUE --queue-num 7 --queue-bypass
-A INPUT -j NFQUEUE --queue-balance 3:6 --queue-cpu-fanout
-A INPUT -m length --length 40:1500 -m ttl --ttl-lt 5 -j DROP
-A INPUT -m length ! --length 64 -m ttl ! --ttl-eq 9
-A INPUT -m statistic --mode random --probability 0.33333333349
-A INPUT -m statistic --mode random ! --probability 1
-A INPUT -m statistic --mode nth --every 3 --packet 1
-A INPUT ! -p tcp -j DROP
-A INPUT -p tcp --tcp-flags ALL NONE -j DROP
-t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports 5-9 --random
-t nat -A POSTROUTING -d 10.99.0.0/16 -j MASQUERADE
-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4-1.2.3.9
-t nat -A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90 --persistent
-t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 81
-t mangle -A OUTPUT -p tcp -j TOS --set-tos 0x10/0x3f
-t mangle -A OUTPUT -j MARK --set-mark 5
-t mangle -A OUTPUT -j CONNMARK --save-mark
-t mangle -A OUTPUT -j CONNMARK --set-mark 7
-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-t mangle -A FORWARD -p tcp --tcp-flags ALL SYN -j TCPMSS --set-mss 1200
-t mangle -A OUTPUT -j DSCP --set-dscp 10
-t raw -A OUTPUT -j CT --notrack
-t raw -A OUTPUT -j NOTRACK
-t raw -A PREROUTING -j TRACE`,
  ip6tables: `
-A INPUT -s fe80::/10 -p icmpv6 --icmpv6-type 128 -j REJECT
-A INPUT ! -d fe80::1 -p tcp -m multiport --dports 1,2,3 -j REJECT --reject-with tcp-reset
-A INPUT -m hl --hl-gt 63 -j NFQUEUE --queue-num 1
-A OUTPUT -m owner --gid-owner 3 -j NFLOG --nflog-range 20
-A FORWARD -m iprange --dst-range fe80::1-fe80::9 -g guard
-t nat -A POSTROUTING -j MASQUERADE
-t nat -A PREROUTING -p tcp -j DNAT --to-destination [fe80::1]:80
-t nat -A POSTROUTING -j SNAT --to-source fe80::1-fe80::5`,
};
const tools = ["iptables", "ip6tables"] as const;
const versionOf = { iptables: 4, ip6tables: 6 } as const;

function sh(words: string): string {
  const done = Bun.spawnSync(["sh", "-c", words]);
  if (!done.success) throw new Error(`${words}: ${done.stderr}`);
  return done.stdout.toString();
}

/** Without comments; tables in one order. */
function saved(tool: string): string {
  const text = sh(`${tool}-legacy-save -c`).replace(/^#.*\n/gm, "");
  return text
    .split(/^(?=\*)/m)
    .sort()
    .join("");
}

function makeAll(): void {
  sh("ip6tables-legacy -N guard");
  for (const tool of tools) for (const rule of RULES[tool].split("\n").filter(Boolean)) sh(`${tool}-legacy ${rule}`);
  // counted otherwise, each of them
  for (const tool of tools) {
    let count = 0;
    const counted = saved(tool).replaceAll("[0:0]", () => `[${++count}:${count * 100}]`);
    const done = Bun.spawnSync([`${tool}-legacy-restore`, "-c"], { stdin: Buffer.from(counted) });
    if (!done.success) throw new Error(`${done.stderr}`);
  }
}

const lacking = process.getuid?.() === 0 ? tools.find((tool) => Bun.which(`${tool}-legacy`) === null) : "root";

describe.skipIf(lacking !== undefined)(`tables of iptables-legacy${lacking ? ` (needs ${lacking})` : ""}`, () => {
  test("are made again from their text as they were", () => {
    const before = inFreshNetwork(() => {
      makeAll();
      return tools.map(saved);
    });
    const after = inFreshNetwork(() => {
      tools.forEach((tool, index) => {
        for (const { table, counters } of readSaved(before[index] ?? "", "iptables-9.img", versionOf[tool]))
          replaceXtable(table, () => counters);
      });
      return tools.map(saved);
    });
    expect(after).toEqual(before);
    expect(before.join("").match(/-A /g)?.length).toBeGreaterThan(40);
  });

  test("are told as iptables tells them", () =>
    inFreshNetwork(() => {
      makeAll();
      tools.forEach((tool) => {
        const own = xtables().filter(({ kind }) => kind.family === { iptables: 2, ip6tables: 10 }[tool]);
        const text = own.map(({ kind, name }) => savedWords(readXtable(kind, name))).sort();
        expect(text.join("")).toBe(saved(tool));
      });
    }));
});

test("CRIU's own lock is left out", () => {
  const text = (rules: string[], more: string[] = []) =>
    [
      "*filter",
      ":INPUT ACCEPT [0:0]",
      ":FORWARD ACCEPT [0:0]",
      ":OUTPUT ACCEPT [0:0]",
      ...more,
      ...rules,
      "COMMIT",
    ].join("\n");
  const lock = ["-A INPUT -j CRIU", "-A CRIU -m mark --mark 0xc114 -j ACCEPT", "-A CRIU -j DROP"];
  const own = ["-A INPUT -p tcp -m tcp --dport 44 -j DROP"];
  expect(readSaved(text([...lock, ...own], [":CRIU - [0:0]"]), "iptables-9.img", 4)).toEqual(
    readSaved(text(own), "iptables-9.img", 4),
  );
});

describe("what is not known is one error that names its line", () => {
  for (const rule of [
    "-A INPUT -m set --match-set known src -j DROP",
    "-A INPUT -j SET --add-set known src",
    "-A OUTPUT -m owner --uid-owner 9-5 -j DROP",
    "-A OUTPUT -m statistic --mode random --probability 7",
    "-A OUTPUT -m statistic --mode nth --every 2 --packet 5",
    "-A INPUT -j NFQUEUE --queue-balance 9:5",
    "-A INPUT -j nowhere",
    "-A NOWHERE -j DROP",
    "-A INPUT -p tcp -m tcp --dport 70000 -j DROP",
    "-A INPUT -p tcp -m tcp --dport 9:5 -j DROP",
    "-A INPUT -s 10.0.0.0/33 -j DROP",
    "-A INPUT -s fe80::1/128 -j DROP",
    "-A INPUT -m conntrack --ctproto 6 -j DROP",
    "-A INPUT -i averyverylonginterface -j DROP",
    "-X INPUT",
  ])
    test(rule, () => {
      let words = "";
      try {
        readSaved(`*filter\n:INPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`, "iptables-9.img", 4);
      } catch (error) {
        words = errorLines(error).join("\n");
      }
      expect(words).toMatch(/does not know what the saved packet filter says: .*iptables-9\.img, line [34]/);
      expect(words).toContain("remedy: ");
    });
});
