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

static char *ruleset(void) {
  static char text[2][16384];
  static int next;
  FILE *from = popen("nft list ruleset", "r");
  char *to = text[next++ % 2];
  to[fread(to, 1, sizeof(text[0]) - 1, from)] = 0;
  pclose(from);
  return to;
}

int main(void) {
  tst_begin();
  netns_leave();
  netns_do(rules);
  char *was = ruleset(), text[8];
  inet_name name = inet_loopback(AF_INET);
  int fds[2];
  for (int i = 0; i < 2; i++) {
    name.four.sin_port = htons((uint16_t)(7002 + i)); /* one that is dropped, one that is not */
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    tst_sys(bind(fds[i], &name.any, sizeof(name.four)));
  }
  tst_ready();
  TST_SPOIL netns_do("nft delete table ip nat");
  char *is = ruleset();
  tst_check(!strcmp(was, is), "the rules are\n%s\nwere\n%s", is, was);
  for (int i = 1; i >= 0; i--) {
    name.four.sin_port = htons((uint16_t)(7002 + i));
    tst_sys(sendto(fds[0], "now", 3, 0, &name.any, sizeof(name.four)));
    if (i) tst_check(recv(fds[i], text, sizeof(text), MSG_DONTWAIT) == 3, "what may come does not");
    else tst_check(recv(fds[i], text, sizeof(text), MSG_DONTWAIT) == -1, "what may not come does");
  }
  return tst_pass();
}
