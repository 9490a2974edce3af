// zdtm: {"category": "netns", "verifies": "rules, policies, chains and counters of the iptables that were before nf_tables come back, of IPv4 and IPv6, and filter", "needs": ["root", "file:/usr/sbin/iptables-legacy"], "flavours": ["h"]}
#include "netns.h"

static const char *const commands[] = {
    "iptables-legacy -N guard",
    "iptables-legacy -A guard -s 10.0.0.0/8 -p tcp --dport 80:90 -j RETURN",
    "iptables-legacy -A guard -m state --state ESTABLISHED,RELATED -j ACCEPT",
    "iptables-legacy -A INPUT -p udp --dport 7002 -j DROP",
    "iptables-legacy -A INPUT -p icmp -j guard",
    "iptables-legacy -P FORWARD DROP",
    "iptables-legacy -t nat -A POSTROUTING -d 10.99.0.0/16 -j MASQUERADE",
    "iptables-legacy -t mangle -A OUTPUT -p tcp -j TOS --set-tos 0x10/0x3f",
    "ip6tables-legacy -A INPUT -s fe80::/10 -p tcp -m multiport --dports 1,2,3 -j REJECT",
};

static const char list[] = "(iptables-legacy-save -c; ip6tables-legacy-save -c) | grep -v '^#'";

int main(void) {
  tst_begin();
  netns_leave();
  for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) netns_do(commands[i]);
  int fds[2];
  netns_guarded(fds);
  for (int i = 0; i < 3; i++) netns_send(fds[1], 7002, "now");
  char *was = netns_listed(list);
  tst_check(strstr(was, "[3:") != NULL, "nothing is counted:\n%s", was);
  tst_ready();
  TST_SPOIL netns_do("iptables-legacy -P FORWARD ACCEPT");
  netns_same(was, list);
  netns_filters(fds);
  return tst_pass();
}
