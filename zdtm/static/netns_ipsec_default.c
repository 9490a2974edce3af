// zdtm: {"category": "netns", "verifies": "a network namespace where IPsec lets nothing in unless a policy says so is refused, and stays so", "needs": ["root", "file:/usr/sbin/ip"], "refused": "policies or keys of IPsec"}
#include "netns.h"

int main(void) {
  tst_begin();
  netns_leave();
  netns_do("ip xfrm policy setdefault in accept fwd block out accept");
  tst_ready();
  TST_SPOIL netns_do("ip xfrm policy setdefault fwd accept");
  tst_check(netns_says("ip xfrm policy getdefault | grep -q 'fwd: block'") == 0, "it lets all in");
  return tst_pass();
}
