// zdtm: {"category": "netns", "verifies": "routes through several gateways and through next hops with names, settings of interfaces, of bridges and their ports, static entries of bridges, labels of addresses, queueing disciplines", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge", "file:/usr/sbin/tc"]}
#include "netns.h"

static const char settings[] =
    "ip -6 addr add fd01::1/64 dev veb nodad"
    " && ip link set vea alias first && ip link set vea group 7 && ip link set vea txqueuelen 77"
    " && ip link set dev vea type bridge_slave hairpin on isolated on learning off cost 5 priority 9"
    " && ip link set br0 type bridge mcast_snooping 0; bridge fdb add 02:00:00:00:00:01 dev vea master static;"
    " tc qdisc add dev veb root handle 1: pfifo limit 33; ip addrlabel add prefix fd05::/64 label 55;"
    " ip route add 10.10.0.0/16 nexthop via 10.1.0.7 dev veb weight 2 nexthop via 10.1.0.8 dev veb weight 3;"
    " ip -6 route add fd02::/64 nexthop via fd01::7 dev veb nexthop via fd01::8 dev veb; ip route add prohibit 10.12.0.0/16;"
    " ip nexthop add id 5 via 10.1.0.7 dev veb; ip nexthop add id 6 via 10.1.0.8 dev veb; ip nexthop add id 9 group 5/6;"
    " ip route add 10.11.0.0/16 nhid 5; ip route add 10.13.0.0/16 nhid 9";

static const char list[] =
    "ip -d -o link show dev vea | grep -o 'group [0-9]* qlen [0-9]*\\|hairpin o[nf]*\\|isolated o[nf]*\\|learning o[nf]*\\|"
    "cost 5\\|priority 9\\|alias .*'; ip -d -o link show br0 | grep -o 'mcast_snooping [0-9]'; bridge fdb | grep static;"
    " tc qdisc show dev veb | grep -o 'pfifo 1:.*limit.*'; ip route show; ip -6 route show fd02::/64; ip nexthop; ip addrlabel";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "alias first") || !strstr(was, "10.10.0.0")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("ip link set vea alias second");
  netns_same(was, list);
  return tst_pass();
}
