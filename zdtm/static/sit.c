// zdtm: {"category": "netns", "verifies": "a tunnel of IPv6 in IPv4 comes back with both its ends, how far its packets go, and its routes", "flavours": ["ns", "uns"], "needs": ["root", "file:/usr/sbin/ip"]}
#include "netns.h"

static const char *const listed = "ip -d link show six; ip addr show six; ip -6 route show dev six";

int main(void) {
  tst_begin();
  netns_do("ip link add six type sit local 127.0.0.1 remote 127.0.0.2 ttl 33 && ip link set six up mtu 1320");
  netns_do("ip -6 addr add fd66::1/64 dev six nodad && ip -6 route add fd67::/32 dev six metric 7");
  const char *was = netns_listed(listed);
  tst_ready();
  TST_SPOIL netns_do("ip link set six mtu 1300");
  netns_same(was, listed);
  return tst_pass();
}
