// zdtm: {"category": "netns", "verifies": "an interface with a queueing discipline that has classes is refused, and keeps it", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/tc"], "refused": "an interface has a queueing discipline of the kind"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("tc qdisc add dev lo root handle 1: prio || tc qdisc add dev lo root handle 1: htb || tc qdisc add dev lo root handle 1: drr || tc qdisc add dev lo clsact || tc qdisc add dev lo ingress");
  tst_ready();
  TST_SPOIL netns_do("tc qdisc del dev lo root; tc qdisc del dev lo clsact; true");
  tst_check(netns_says("tc qdisc show dev lo | grep -q 'prio\\|htb\\|drr\\|clsact\\|ingress'") == 0, "the discipline is gone");
  return tst_pass();
}
