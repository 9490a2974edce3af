// zdtm: {"category": "netns", "verifies": "IPv6 routes that expire still do; how each interface looks for neighbours; addresses of IPv6 stand in their order, by which the kernel chooses; groups of next hops with buckets; entries of bridges that stick, and those that others have learned", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge"]}
#include "netns.h"

static const char settings[] =
    "ip -6 addr add fd01::1/64 dev veb nodad; ip -6 addr add fd01::3/64 dev veb nodad; ip -6 addr add fd01::2/64 dev veb nodad;"
    " ip -6 route add fd02::/64 via fd01::7 dev veb expires 90000; ip -6 route add fd03::/64 via fd01::7 dev veb;"
    " ip -6 route add fd04::/64 nexthop via fd01::7 dev veb nexthop via fd01::8 dev veb;"
    " ip nexthop add id 5 via 10.1.0.7 dev veb; ip nexthop add id 6 via 10.1.0.8 dev veb;"
    " ip nexthop add id 9 group 5/6,3 type resilient buckets 8 idle_timer 60 unbalanced_timer 300; ip route add 10.13.0.0/16 nhid 9;"
    " echo 7 >/proc/sys/net/ipv4/neigh/veb/ucast_solicit; echo 500 >/proc/sys/net/ipv4/neigh/veb/locktime;"
    " echo 99 >/proc/sys/net/ipv6/neigh/veb/gc_stale_time; echo 8 >/proc/sys/net/ipv4/neigh/lo/ucast_solicit;"
    " bridge fdb add 02:00:00:00:00:01 dev vea master static sticky; bridge fdb add 02:00:00:00:00:02 dev vea master extern_learn";

/* how long the route is still there is not as before */
static const char list[] =
    "cd /proc/sys/net; cat ipv4/neigh/veb/ucast_solicit ipv4/neigh/veb/locktime ipv6/neigh/veb/gc_stale_time ipv4/neigh/lo/ucast_solicit;"
    " ip -6 -o addr show dev veb scope global; ip -6 route show | grep fd0 | sed 's/expires [89][0-9]*sec/expires/'; ip nexthop |"
    " sed 's/unbalanced_time .*//'; ip route; bridge fdb | grep 02:00:00:00:00:0 | sort; ip -6 route get fd02::5 | grep -o 'src [^ ]*'";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "expires") || !strstr(was, "fd01::2")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("ip -6 route replace fd02::/64 via fd01::7 dev veb");
  netns_same(was, list);
  return tst_pass();
}
