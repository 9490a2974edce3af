// zdtm: {"category": "netns", "verifies": "an interface with a filter that is a program is refused, and keeps it", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/tc"], "refused": "an interface has a filter of traffic control of the kind bpf"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("tc qdisc add dev lo clsact && tc filter add dev lo ingress bpf bytecode '1,6 0 0 4294967295'");
  tst_ready();
  TST_SPOIL netns_do("tc filter del dev lo ingress");
  tst_check(netns_says("tc filter show dev lo ingress | grep -q bpf") == 0, "the filter is gone");
  return tst_pass();
}
