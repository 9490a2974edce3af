// zdtm: {"category": "netns", "verifies": "the packet filter of a network namespace of the tree's own comes back: tables, chains, sets, maps, counters, rules of nf_tables; and it filters", "needs": ["root", "file:/usr/sbin/nft", "file:/usr/sbin/ip"], "flavours": ["h"]}
#include "netns.h"

static const char rules[] =
    "nft -f - <<'END'\n"
    "table inet guard {\n"
    "  set friends { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.1-192.168.1.9 }; }\n"
    "  counter seen { packets 7 bytes 77; }\n"
    "  chain web { tcp dport 80 counter name seen accept; }\n"
    "  map ways { type inet_service : verdict; elements = { 22 : accept, 80 : jump web }; }\n"
    "  chain input {\n"
    "    type filter hook input priority 5; policy accept;\n"
    "    ip saddr @friends accept comment \"friends come in\"\n"
    "    tcp dport vmap @ways\n"
    "    udp dport { 7001, 7002 } drop\n"
    "    ct state established,related accept\n"
    "    tcp dport 7005 reject with tcp reset\n"
    "    icmp type echo-request limit rate 5/second accept\n"
    "    ip6 saddr fe80::/10 meta mark set 0x2a counter log prefix \"near: \"\n"
    "    ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 81 } reject\n"
    "  }\n"
    "}\n"
    "table ip nat { chain out { type nat hook postrouting priority 100; policy accept; ip daddr 10.99.0.0/16 masquerade; };"
    "  chain in { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.0.0.1:8080; }; }\n"
    "END\n";

static const char list[] = "nft list ruleset";

int main(void) {
  tst_begin();
  netns_leave();
  netns_do(rules);
  char *was = netns_listed(list);
  int fds[2];
  netns_guarded(fds);
  tst_ready();
  TST_SPOIL netns_do("nft delete table ip nat");
  netns_same(was, list);
  netns_filters(fds);
  return tst_pass();
}
