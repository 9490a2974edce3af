// zdtm: {"category": "netns", "verifies": "queueing disciplines with classes and limits (htb, tbf), filters of packets that leave and come in (u32) with tables, links and chains, those that several interfaces share, the actions that they hold", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/tc"]}
#include "netns.h"

/* What a kernel was built without is asked for, and does without. */
static const char settings[] =
    "ip link add ifb7 type ifb; ip link set ifb7 up; ip link add one type veth peer name two;"
    " tc qdisc add dev vea root handle 1: tbf rate 1mbit burst 10k latency 5ms mtu 1600 peakrate 2mbit;"
    " tc qdisc add dev vea parent 1:1 handle 10: pfifo limit 30;"
    " tc qdisc add dev veb root handle 1: htb default 20 r2q 5;"
    " tc class add dev veb parent 1: classid 1:1 htb rate 10mbit ceil 20mbit burst 15k prio 2;"
    " tc class add dev veb parent 1:1 classid 1:20 htb rate 5mbit ceil 10mbit quantum 3000;"
    " tc class add dev veb parent 1:1 classid 1:30 htb rate 50gbit;"
    " tc qdisc add dev veb parent 1:20 handle 20: tbf rate 3mbit burst 20k limit 30000;"
    " tc filter add dev veb parent 1: protocol ip prio 5 u32 match ip dport 80 0xffff match ip src 10.0.0.0/8 flowid 1:20;"
    " tc filter add dev veb parent 1:1 protocol ip prio 4 u32 match ip tos 8 0xff flowid 1:20;"
    " tc filter add dev veb parent 1: protocol ipv6 prio 7 u32 match ip6 dst fd00::/8 flowid 1:30;"
    " tc filter add dev veb parent 1: prio 9 handle 1: protocol ip u32 divisor 256;"
    " tc filter add dev veb parent 1: protocol ip prio 9 u32 ht 1:6: match ip src 1.2.3.4 flowid 1:20;"
    " tc filter add dev veb parent 1: protocol ip prio 9 u32 ht 802:: match ip protocol 6 0xff link 1: hashkey mask 0x0000ff00 at 12"
    " offset at 0 mask 0f00 shift 6 plus 0 eat;"
    " tc qdisc add dev vea ingress; tc filter add dev vea parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev ifb7;"
    " tc actions add action mirred egress redirect dev vea index 77;"
    " tc qdisc add dev one clsact; tc qdisc add dev ifb7 clsact;"
    " tc filter add dev one egress protocol ip u32 match ip dst 9.9.9.9 action mirred egress redirect dev vea index 77;"
    " tc filter add dev one ingress protocol ip u32 match ip dst 9.9.9.8 action mirred egress redirect dev two;"
    " tc filter add dev ifb7 egress protocol all prio 3 u32 match u32 0 0 skip_hw action mirred ingress mirror dev vea pipe"
    " action mirred egress redirect dev veb; tc chain add dev ifb7 ingress chain 7;"
    " tc filter add dev ifb7 ingress protocol all chain 5 u32 match u32 0 0 classid 4:4;"
    " tc qdisc add dev two ingress_block 22 clsact; tc qdisc add dev br0 ingress_block 22 clsact;"
    " tc filter add block 22 protocol ip u32 match ip src 5.5.5.5 action mirred egress redirect dev br0";

/*
 * Filters of one priority are listed in all places: which of them is asked is told of each. Who looks at an action for the second
 * time, whoever was the first, sees that no hardware counts.
 */
#define FIRST(place) "tc filter get " place " protocol ip prio 49152 handle fff: u32 | grep -o 'fh .*';"
static const char list[] =
    "{ tc -d qdisc show | grep -v 'noqueue\\|pfifo_fast' | sort | sed 's/refcnt [0-9]*//; s/direct_packets_stat [0-9]*//'; tc -d class show dev veb | sort;"
    " for i in 'veb' 'veb parent 1:1' 'one egress' 'one ingress' 'vea ingress' 'ifb7 egress' 'ifb7 ingress' 'two ingress'; do echo $i:;"
    " tc -d filter show dev $i; tc chain show dev $i; done; tc filter show block 22; tc actions list action mirred;"
    FIRST("dev one ingress") FIRST("dev one egress") "} | grep -v used_hw_stats";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "class htb 1:20") || !strstr(was, "link 1:") || !strstr(was, "chain 5")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("tc filter del dev ifb7 egress");
  netns_same(was, list);
  return tst_pass();
}
