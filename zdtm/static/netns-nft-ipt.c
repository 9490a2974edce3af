// zdtm: {"category": "netns", "verifies": "rules of nf_tables come back beside those of both kinds of iptables", "needs": ["root", "file:/usr/sbin/nft", "file:/usr/sbin/iptables-legacy", "file:/usr/sbin/iptables-nft"], "flavours": ["h"]}
#include "netns.h"

static const char *const commands[] = {
    "nft 'add table inet guard; add chain inet guard input { type filter hook input priority 5; policy accept; };"
    " add rule inet guard input udp dport { 7001, 7002 } drop; add rule inet guard input ct state established accept'",
    "iptables-legacy -N guard",
    "iptables-legacy -A guard -s 10.0.0.0/8 -p tcp -m tcp --dport 80:90 -j RETURN",
    "iptables-legacy -A INPUT -p udp -m udp --dport 7003 -j guard",
    "iptables-legacy -A INPUT -p udp -m udp --dport 7003 -j DROP",
    "iptables-legacy -t nat -A POSTROUTING -d 10.99.0.0/16 -j MASQUERADE",
    "iptables-nft -A INPUT -s 10.1.0.0/16 -p tcp -m tcp --dport 46 -j REJECT",
    "iptables-nft -A INPUT -i eth+ -p udp -m udp --dport 1024:2000 -m mark --mark 0x5 -j DROP",
    "ip6tables-nft -P FORWARD DROP",
};

static char *listed(void) {
  static char text[2][16384];
  static int next;
  FILE *from = popen("(nft list ruleset; iptables-legacy-save) 2>&1 | grep -v '^#'", "r");
  char *to = text[next++ % 2];
  to[fread(to, 1, sizeof(text[0]) - 1, from)] = 0;
  pclose(from);
  return to;
}

int main(void) {
  tst_begin();
  netns_leave();
  for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) netns_do(commands[i]);
  inet_name name = inet_loopback(AF_INET);
  int fds[3];
  for (int i = 0; i < 3; i++) {
    name.four.sin_port = htons((uint16_t)(7002 + i)); /* dropped by either of them, and one that is not */
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    tst_sys(bind(fds[i], &name.any, sizeof(name.four)));
  }
  char *was = listed(), text[8];
  tst_check(strstr(was, "7003 -j guard") && strstr(was, "MASQUERADE") && strstr(was, "dport 46"), "%s", was);
  tst_ready();
  TST_SPOIL netns_do("iptables-legacy -F INPUT");
  char *is = listed();
  tst_check(!strcmp(was, is), "the rules are\n%s\nwere\n%s", is, was);
  for (int i = 2; i >= 0; i--) {
    name.four.sin_port = htons((uint16_t)(7002 + i));
    tst_sys(sendto(fds[0], "now", 3, 0, &name.any, sizeof(name.four)));
    tst_check(recv(fds[i], text, sizeof(text), MSG_DONTWAIT) == (i == 2 ? 3 : -1), "%d: the filter does otherwise", 7002 + i);
  }
  return tst_pass();
}
