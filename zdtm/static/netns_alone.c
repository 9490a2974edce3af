// zdtm: {"category": "netns", "verifies": "actions of traffic control without a filter, neighbours that the kernel keeps fresh or that others have learned, entries of bridges that are their own, addresses that interfaces listen to", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge", "file:/usr/sbin/tc"]}
#include "netns.h"

/* What a kernel was built without is asked for, and does without. */
static const char settings[] =
    "tc actions add action mirred egress redirect dev veb index 7 cookie abcd;"
    " tc actions add action mirred ingress mirror dev vea index 9;"
    " ip neigh add 10.1.0.9 dev veb managed; ip neigh add 10.1.0.8 lladdr 02:00:00:00:00:18 dev veb extern_learn;"
    " bridge fdb add 02:00:00:00:00:09 dev vea self permanent; bridge fdb add 02:00:00:00:00:0a dev vea master local;"
    " bridge fdb add 02:00:00:00:00:0b dev br0 self local; bridge fdb add 02:00:00:00:00:0c dev vea master static";

static const char list[] =
    "tc actions list action mirred | grep -v used_hw; ip neigh show nud all | grep '10.1.0' | sed 's, [A-Z]* *$,,' | sort; bridge fdb |"
    " grep 02:00:00:00:00:0 | sort";

int main(void) {
  tst_begin();
  netns_leave();
  netns_bridge();
  if (system(settings) == -1) tst_die("no shell");
  char *was = netns_listed(list);
  if (!strstr(was, "managed")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("bridge fdb del 02:00:00:00:00:0a dev vea master");
  netns_same(was, list);
  return tst_pass();
}
