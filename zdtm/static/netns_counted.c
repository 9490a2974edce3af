// zdtm: {"category": "netns", "verifies": "addresses that a packet filter has seen of late (xt_recent), as often as it did; routes by way of segments (seg6), their source, and namespaces and schemas of IOAM; routes and next hops in tunnels of their own; neighbours that nobody asks for, addresses of IPv6 that are made from a secret", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/iptables-legacy"]}
#include "netns.h"

/* What a kernel was built without is asked for, and does without. */
static const char settings[] =
    "iptables-legacy -A INPUT -p tcp --dport 22 -m recent --name ssh --set; for i in 1.2.3.4 9.9.9.9 1.2.3.4; do echo +$i"
    " >/proc/net/xt_recent/ssh; done; ip -6 addr add fd01::1/64 dev veb nodad; ip sr tunsrc set fd00::77;"
    " ip -6 route add fd05::/64 encap seg6 mode encap segs fd00::9,fd00::8 dev veb;"
    " ip -6 route add fd06::1/128 encap seg6local action End.X nh6 fd00::9 dev veb;"
    " ip ioam namespace add 5 data 7 wide 9; ip ioam schema add 3 abcd; ip ioam namespace set 5 schema 3;"
    " ip route add 10.5.0.0/16 encap ip id 7 dst 10.0.0.9 dev veb; ip nexthop add id 5 encap seg6 mode encap segs fd00::9 dev veb;"
    " ip neigh add 10.1.0.66 lladdr 02:00:00:00:00:66 dev veb nud noarp; echo fd00::1234 >/proc/sys/net/ipv6/conf/veb/stable_secret";

static const char list[] =
    "sed 's/ last_seen.*oldest_pkt: [0-9]*//; s/ [0-9][0-9]*,/ N,/g; s/ [0-9][0-9]*$/ N/' /proc/net/xt_recent/ssh | sort; ip sr tunsrc show;"
    " ip nexthop; ip neigh show nud noarp | grep 10.1.0; cat /proc/sys/net/ipv6/conf/veb/addr_gen_mode; ip -6 route | grep encap; ip route | grep encap; ip ioam namespace show; ip ioam schema show";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "1.2.3.4") || !strstr(was, "tunsrc addr fd00::77")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("echo -9.9.9.9 >/proc/net/xt_recent/ssh");
  netns_same(was, list);
  return tst_pass();
}
