// zdtm: {"category": "netns", "verifies": "a queueing discipline that counts packets as larger than they are is refused, and stays", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/tc"], "refused": "an interface has a queueing discipline of the kind pfifo with a table of sizes"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_bridge();
  netns_do("tc qdisc add dev veb root handle 1: stab overhead 10 linklayer atm pfifo limit 9");
  tst_ready();
  TST_SPOIL netns_do("tc qdisc del dev veb root");
  tst_check(netns_says("tc -d qdisc show dev veb | grep -q 'overhead 10'") == 0, "the discipline is gone");
  return tst_pass();
}
