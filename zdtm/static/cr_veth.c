// zdtm: {"category": "netns", "verifies": "an interface whose other end is outside of the tree's network namespace is made again with that end (--external veth), and packets come through", "needs": ["net", "file:/usr/sbin/ip"], "flavours": ["h"], "restoreOpts": ["--external", "veth[inner]:outer@bridge0"]}
#include "veths.h"

int main(void) {
  tst_begin();
  netns_do("ip link add bridge0 type bridge && ip addr add 10.8.0.1/24 dev bridge0 && ip link set bridge0 up");
  netns_do("ip link add inner type veth peer name outer && ip link set outer master bridge0 up");
  veths_leave("ip addr add 10.8.0.2/24 dev inner && ip link set inner up");
  tst_ready();
  TST_SPOIL netns_do("ip link set inner down");
  veths_check();
  return tst_pass();
}
