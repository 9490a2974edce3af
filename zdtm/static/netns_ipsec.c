// zdtm: {"category": "netns", "verifies": "a network namespace with policies of IPsec is refused, and keeps them", "needs": ["root", "file:/usr/sbin/ip"], "refused": "policies or keys of IPsec"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("ip xfrm policy add dir out src 10.5.0.0/16 dst 10.6.0.0/16");
  tst_ready();
  TST_SPOIL netns_do("ip xfrm policy flush");
  tst_check(netns_says("ip xfrm policy | grep -q 10.5.0.0/16") == 0, "the policy is gone");
  return tst_pass();
}
