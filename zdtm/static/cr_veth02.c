// zdtm: {"category": "netns", "verifies": "an interface that was moved in from outside is another one afterwards, which waits there under the name that is given (--external netdev)", "needs": ["net", "file:/usr/sbin/ip"], "flavours": ["h"], "once": "the spare interface is taken then", "dumpOpts": ["--external", "netdev[inner]"], "restoreOpts": ["--external", "netdev[inner]:spare"]}
#include "veths.h"

int main(void) {
  tst_begin();
  netns_do("ip link add bridge0 type bridge && ip addr add 10.8.0.1/24 dev bridge0 && ip link set bridge0 up");
  netns_do("ip link add inner address 02:00:0a:08:00:02 type veth peer name outer && ip link set outer master bridge0 up");
  /* the pair goes when the tree's namespace does; this one has the same address, for what the neighbours know */
  netns_do("ip link add spare address 02:00:0a:08:00:02 type veth peer name outer2");
  netns_do("ip link set outer2 master bridge0 up");
  veths_leave("ip addr add 10.8.0.2/24 dev inner && ip link set inner up");
  tst_ready();
  TST_SPOIL netns_do("ip link set inner down");
  veths_check();
  return tst_pass();
}
