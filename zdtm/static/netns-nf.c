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

static char *listed(void) {
  static char text[2][16384];
  static int next;
  FILE *from = popen("(iptables-legacy-save -c; ip6tables-legacy-save -c) | grep -v '^#'", "r");
  char *to = text[next++ % 2];
  to[fread(to, 1, sizeof(text[0]) - 1, from)] = 0;
  pclose(from);
  return to;
}

static void send_to(int fd, uint16_t port) {
  inet_name name = inet_loopback(AF_INET);
  name.four.sin_port = htons(port);
  tst_sys(sendto(fd, "now", 3, 0, &name.any, sizeof(name.four)));
}

int main(void) {
  tst_begin();
  netns_leave();
  for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) netns_do(commands[i]);
  inet_name name = inet_loopback(AF_INET);
  int fds[2];
  for (int i = 0; i < 2; i++) {
    name.four.sin_port = htons((uint16_t)(7002 + i)); /* one that is dropped, one that is not */
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    tst_sys(bind(fds[i], &name.any, sizeof(name.four)));
  }
  for (int i = 0; i < 3; i++) send_to(fds[1], 7002);
  char *was = listed(), text[8];
  tst_check(strstr(was, "[3:") != NULL, "nothing is counted:\n%s", was);
  tst_ready();
  TST_SPOIL netns_do("iptables-legacy -P FORWARD ACCEPT");
  char *is = listed();
  tst_check(!strcmp(was, is), "the rules are\n%s\nwere\n%s", is, was);
  for (int i = 1; i >= 0; i--) {
    send_to(fds[0], (uint16_t)(7002 + i));
    tst_check(recv(fds[i], text, sizeof(text), MSG_DONTWAIT) == (i ? 3 : -1), "%d: the filter does otherwise", 7002 + i);
  }
  return tst_pass();
}
