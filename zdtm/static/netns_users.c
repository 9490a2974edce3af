// zdtm: {"category": "netns", "verifies": "a rule of routing for users of a user namespace is refused, and stays", "flavours": ["uns"], "needs": ["root", "file:/usr/sbin/ip"], "refused": "a rule of routing asks for users of another user namespace"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("ip rule add uidrange 0-5 table 7 prio 55");
  tst_ready();
  TST_SPOIL netns_do("ip rule del prio 55");
  tst_check(netns_says("ip rule | grep -q 'uidrange 0-5'") == 0, "the rule is gone");
  return tst_pass();
}
