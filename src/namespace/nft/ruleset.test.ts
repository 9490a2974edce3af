import { describe, expect, test } from "bun:test";
import { errorLines } from "../../error.ts";
import { parseMessages } from "../../kernel/netlink.ts";
import { inFreshNetwork } from "../../kernel/network.ts";
import { NfTables } from "../../kernel/nftables.ts";
import { readFilter } from "../net-filter.ts";
import { readRuleset } from "./ruleset.ts";
import { tellRuleset } from "./tell.ts";

/** As people write them; nft lists what is equal in its own words. */
const RULES = `
table inet guard {
  set friends { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.1-192.168.1.9, 192.168.1.10-192.168.1.11, 255.0.0.0/8 }; }
  set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 80, 10.1.1.1 . 1-3 }; }
  set dyn { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; }
  set marked { type mark; elements = { 0x1, 0x5 }; }
  set names { type ifname; elements = { "eth0", "br0" }; }
  set counted { type ipv4_addr; counter; comment "hey"; elements = { 1.2.3.4 counter packets 3 bytes 4 comment "foo", 1.2.3.5 }; }
  counter seen { packets 7 bytes 77; }
  quota lim { over 10 mbytes used 100 bytes; }
  limit lm { rate 5/second burst 7 packets; }
  chain web { tcp dport 80 counter name seen accept; }
  map ways { type inet_service : verdict; elements = { 22 : accept, 80 : jump web, 81 : goto web }; }
  map to { type inet_service : ipv4_addr; elements = { 22 : 10.0.0.1 }; }
  map marks { type ipv4_addr : mark; flags interval; elements = { 10.0.0.0/8 : 0x5 }; }
  map spans { type mark : mark; flags interval; elements = { 0x1-0x5 : 0x7 }; }
  map kept { type ipv4_addr : counter; elements = { 1.2.3.4 : "seen" }; }
  chain input {
    comment "what comes"; type filter hook input priority 5; policy accept;
    ip saddr @friends accept comment "friends come in"
    ip6 saddr fe80::/10 tcp dport 1-5 drop
    tcp dport vmap @ways
    udp dport { 7001, 7002 } drop
    ct state established,related accept
    ct state { new, invalid } drop
    ct state != established drop
    ct state ! established,new drop
    ct state vmap { established : accept, invalid : drop }
    icmp type echo-request limit rate 3/second accept
    icmpv6 type { nd-neighbor-solicit, echo-request } accept
    iifname "eth*" log prefix "a b" group 3
    iif lo accept
    oifname != "eth0" counter
    iifname { "eth0", "lo" } drop
    iifname . tcp dport { "eth0" . 5 } drop
    meta mark & 0xff == 0x1 meta mark set 0x2
    meta mark 1-5 drop
    meta mark { 1-5, 7 } drop
    meta mark @marked drop
    ct mark set meta mark
    meta mark set ct mark & 0xff
    meta mark set meta mark | 0x10
    meta mark set ip saddr map @marks
    tcp flags syn / fin,syn,rst,ack counter
    tcp flags & (syn | ack) == syn | ack counter
    tcp flags & syn == 0 drop
    tcp flags syn,ack drop
    tcp flags != syn drop
    ip saddr . tcp dport @pairs drop
    ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 81 } drop
    add @dyn { ip saddr timeout 5m limit rate 3/minute }
    limit name "lm" drop
    quota name "lim" drop
    quota over 5 kbytes drop
    limit rate over 10 mbytes/second burst 5 kbytes drop
    reject with icmpx port-unreachable
    reject with icmp host-unreachable
    reject with tcp reset
    meta l4proto { tcp, udp } th dport 53 accept
    ip dscp cs1 ip version 4 counter
    ip6 dscp cs1 counter
    ip daddr != 10.0.0.0/9 meta skuid 1000 ct mark 0x5 drop
    ip saddr 10.0.0.1-10.0.0.3 meta pkttype broadcast ip ttl < 5 meta length > 100 drop
    ip saddr & 255.0.255.0 == 10.0.1.0 drop
    tcp dport != 1-5 drop
    tcp dport != { 1-5, 9 } drop
    ip protocol tcp tcp dport 5 drop
    log level debug flags all
    log prefix "x" flags tcp sequence,options flags ip options
    meta nfproto ipv4 icmp type echo-reply drop
    ct direction original ct status dnat ct zone 5 accept
    ct zone set 5
    notrack
    fib daddr type local accept
    fib saddr . iif oif missing drop
    ether saddr 00:11:22:33:44:55 accept
    goto web
  }
}
table inet helped {
  ct helper ftp-standard { type "ftp" protocol tcp; l3proto ip; }
  ct helper small { type "tftp" protocol udp; l3proto inet; }
  chain c { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp-standard"; udp dport 69 ct helper set "small"; ct helper "ftp" accept; }
}
table inet clamp {
  chain through {
    type filter hook forward priority 0;
    tcp flags syn tcp option maxseg size set rt mtu
    tcp option maxseg size set 1400
    tcp option maxseg size 1-500 drop
    tcp option sack-perm exists counter
    tcp option timestamp missing tcp option window count 3 drop
    tcp option timestamp tsval > 5 accept
    reset tcp option sack-perm
    rt mtu 1400 counter
  }
}
table ip nat {
  chain out { type nat hook postrouting priority 100; policy accept; ip daddr 10.99.0.0/16 masquerade; tcp dport 5 snat to 1.2.3.4:5-6; tcp sport 9 masquerade to :1000-2000 random,persistent; snat to 1.2.3.4-1.2.3.9; }
  chain pre { type nat hook prerouting priority dstnat; tcp dport 80 dnat to 10.0.0.1:8080; udp dport 9 redirect to :81; dnat to tcp dport map { 80 : 10.0.0.1, 81 : 10.0.0.2 }; }
}
table ip m { chain o { type route hook output priority mangle; tcp dport 9 reject; }; }
table ip6 six {
  chain o { type nat hook postrouting priority 101; snat to fe80::1; }
  chain p { type nat hook prerouting priority 1; tcp dport 5 dnat to [fe80::1]:80; tcp dport 6 dnat to [fe80::1]-[fe80::5]:80-90; reject with icmpv6 no-route; }
}
table bridge br { chain o { type filter hook input priority 0; ether saddr 00:11:22:33:44:55 ip saddr 1.2.3.4 drop; arp operation request accept; }; }
table netdev nd { chain i { type filter hook ingress device "lo" priority 5; ether type arp drop; meta protocol ip drop; }; }
table arp a { chain i { type filter hook input priority 0; arp operation reply drop; }; }
table inet asleep { comment "my table"; flags dormant; chain k { type filter hook prerouting priority raw; policy drop; }; }
`;

/** As firewalls of machines are. */
const FIREWALL = `
table inet filter {
 set blocked { type ipv4_addr; flags timeout; timeout 1d; }
 set ports { type inet_service; flags interval; auto-merge; elements = { 22, 80, 443, 8000-8100 }; }
 set mixed { type ipv4_addr . ipv4_addr . inet_proto . inet_service; elements = { 1.2.3.4 . 5.6.7.8 . tcp . 80 }; }
 map fwds { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080 }; }
 map prio { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/8 : drop, 11.0.0.0/8 : accept, * : continue }; }
 chain trash { log prefix "drop: " level info counter drop; }
 chain input {
  type filter hook input priority filter; policy drop;
  ct state vmap { established : accept, related : accept, invalid : drop }
  iif lo accept
  iifname { "eth0", "wlan0" } tcp dport @ports accept
  meta l4proto ipv6-icmp icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
  meta l4proto icmp accept
  ip protocol igmp accept
  ip daddr 224.0.0.0/4 accept
  ip6 hoplimit 255 accept
  ip6 nexthdr icmpv6 accept
  udp sport 67 udp dport 68 accept
  udp sport . udp dport { 67 . 68, 547 . 546 } accept
  fib daddr . iif type != { local, broadcast, multicast } drop
  tcp flags & (fin|syn) == (fin|syn) drop
  tcp flags & (fin|syn|rst|psh|ack|urg) == 0x0 drop
  ct mark & 0xff == 0x1 accept
  ip saddr @blocked drop
  ip saddr vmap @prio
  ip saddr . ip daddr . ip protocol . tcp dport @mixed accept
  tcp dport 22 ct state new limit rate over 10/minute burst 20 packets add @blocked { ip saddr } drop
  meta iifname . meta oifname vmap { "lo" . "lo" : accept }
  meta pkttype { broadcast, multicast } drop
  meta skuid { 0, 1000-2000 } accept
  meta mark and 0xff00 == 0x100 meta mark set meta mark and 0xff
  ct direction reply accept
  sctp dport 5 accept
  ip ttl 1 ip length 20-40 ip id 5 drop
  tcp sequence 5 tcp window 1000 drop
  udp length 8-20 drop
  meta cpu 0 accept
  meta cgroup 5 accept
  ether type ip accept
  meta protocol ip accept
  ip frag-off & 0x1fff != 0 drop
  reject with icmpx admin-prohibited
  tcp dport 113 reject with tcp reset
  jump trash
 }
}
table inet nat {
 chain pre { type nat hook prerouting priority dstnat; policy accept; tcp dport 80 dnat ip to 10.0.0.1; iifname "eth0" tcp dport { 8080, 8081 } redirect to :3128; ip daddr 1.2.3.4 tcp dport 5 dnat to 10.0.0.5:50; ip6 daddr fe80::1 dnat to fe80::2; }
 chain post { type nat hook postrouting priority srcnat; policy accept; oifname "eth0" masquerade; ip saddr 10.0.0.0/24 oif lo snat to 1.2.3.4; masquerade fully-random; ip saddr 10.1.0.0/16 ip daddr != 10.1.0.0/16 masquerade persistent; }
}
table ip6 f6 { chain o { type filter hook output priority 0; ip6 daddr { fe80::/10, ::1 } accept; icmpv6 type echo-request accept; reject; } ; }
table inet many { set nets { type ipv4_addr; flags interval; elements = { ${Array.from({ length: 1000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/25`).join(", ")} }; }; }
`;

const nft = (words: readonly string[], input = "") => {
  const done = Bun.spawnSync(["nft", ...words], { stdin: Buffer.from(input) });
  if (!done.success) throw new Error(`nft: ${done.stderr}`);
  return done.stdout.toString();
};
const listed = () => nft(["list", "ruleset"]);

function make(text: string): void {
  using tables = new NfTables();
  const messages = readRuleset(text, "nftables-9.img", { index: (name) => (name === "lo" ? 1 : 77) });
  tables.make(
    "cannot make it",
    messages.map((message) => ({ ...message, flags: message.flags | 0x400 })),
  );
}

const lacking = process.getuid?.() === 0 ? ["nft"].find((tool) => Bun.which(tool) === null) : "root";

describe.skipIf(lacking !== undefined)(`a rule set that nft lists${lacking ? ` (needs ${lacking})` : ""}`, () => {
  test.each([RULES, FIREWALL])("is made again as it was", (rules) => {
    const before = inFreshNetwork(() => {
      nft(["-f", "-"], rules);
      return listed();
    });
    expect(before.match(/^\t\t\S/gm)?.length).toBeGreaterThan(60);
    const after = inFreshNetwork(() => {
      make(before);
      return listed();
    });
    expect(after).toBe(before);
  });

  test.each([RULES, FIREWALL])("is told in words that nft reads as it was", (rules) => {
    const [before, text] = inFreshNetwork(() => {
      nft(["-f", "-"], rules);
      const filter = readFilter();
      return [listed(), filter ? tellRuleset(parseMessages(filter)) : ""];
    });
    const after = inFreshNetwork(() => {
      nft(["-f", "-"], text);
      return listed();
    });
    expect(after).toBe(before);
  });

  test.skipIf(Bun.which("iptables-nft") === null)(
    "is told where iptables made it, but for what it has no words for",
    () =>
      inFreshNetwork(() => {
        const tell = () => tellRuleset(parseMessages(readFilter() ?? new Uint8Array(0)));
        const iptables = (...words: string[]) =>
          expect(Bun.spawnSync(["iptables-nft", "-A", "INPUT", ...words]).success).toBe(true);
        iptables("-p", "tcp", "--dport", "46", "-i", "eth+", "-j", "REJECT", "--reject-with", "icmp-host-prohibited");
        // the words that it finds for what iptables made
        const before = listed().replace("icmp type ", "icmp ");
        const text = tell();
        nft(["flush", "ruleset"]);
        nft(["-f", "-"], text);
        expect(listed()).toBe(before);
        iptables("-j", "LOG");
        expect(tell).toThrow(/target LOG/);
      }),
  );

  test("is made again without CRIU's lock, and as newer versions list it", () => {
    const text = `table ip filter {
	chain CRIU {
		meta mark 0x0000c114 counter packets 0 bytes 0 accept
		counter packets 0 bytes 0 drop
	}

	chain INPUT {
		type filter hook input priority filter; policy accept;
		counter packets 0 bytes 0 jump CRIU
		tcp dport 46 comment "hi" counter packets 1 bytes 2 reject
		tcp flags & (fin | syn | rst | ack) == syn limit rate 3/second burst 5 packets accept
		fib saddr . iif check missing drop
	}
}
table inet CRIU-cd501436-0d19-4494-b4 {
	chain output {
		type filter hook output priority filter; policy drop;
		meta mark 0x0000c114 accept
	}
}
`;
    const after = inFreshNetwork(() => {
      make(text);
      return listed();
    });
    expect(after.replaceAll(/^\s+|"hi"|comment/gm, "").replaceAll(/ +/g, " ")).toBe(
      [
        "table ip filter {",
        "chain INPUT {",
        "type filter hook input priority filter; policy accept;",
        "tcp dport 46 counter packets 1 bytes 2 reject",
        "tcp flags syn / fin,syn,rst,ack limit rate 3/second accept",
        "fib saddr . iif oif missing drop",
        "}",
        "}",
        "",
      ].join("\n"),
    );
  });
});

describe("what is not known is one error that names its line", () => {
  const chain = (rule: string) => `table inet t {\n\tchain c {\n\t\taccept\n\t\t${rule}\n\t}\n}\n`;
  for (const rule of [
    'xt target "LOG"',
    "queue to 3",
    "ip saddr 10.0.0.256 drop",
    "tcp dport 70000 drop",
    "tcp dport 9-5 drop",
    "ip saddr 10.0.0.0/33 drop",
    "ip saddr @nothing drop",
    "tcp option maxseg size set rt nexthop",
    "tcp option unheard exists",
    "reset tcp flags",
    "flow add @table",
    'ct timeout set "slow"',
    'ct helper set tcp dport map { 21 : "ftp" }',
    "ip dscp { cs1, cs2 } drop",
    'iifname { "eth*" } drop',
    "ct state unheard drop",
    "jump",
    "accept }",
    'log prefix "open',
    "tcp dport",
    "meta mark set 1-2",
  ])
    test(rule, () => {
      let words = "";
      try {
        readRuleset(chain(rule), "nftables-9.img", { index: () => 1 });
      } catch (error) {
        words = errorLines(error).join("\n");
      }
      expect(words).toMatch(/does not know what the saved packet filter says: .*nftables-9\.img, line [4-7]/);
      expect(words).toContain("remedy: ");
    });
});
