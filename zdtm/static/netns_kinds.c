// zdtm: {"category": "netns", "verifies": "macvlans on an interface beside them, with what they let through, and interfaces that never change their address (ifb); other names and sizes of segments of interfaces", "needs": ["root", "file:/usr/sbin/ip"]}
#include "netns.h"

static const char settings[] =
    "ip link add ifb7 type ifb; ip link set ifb7 up;"
    " ip link add mv1 link veb type macvlan mode bridge bcqueuelen 3000; ip link set mv1 up; ip addr add 10.9.0.1/24 dev mv1;"
    " ip link add mv2 link veb type macvlan mode source; ip link set mv2 type macvlan macaddr add 02:00:00:00:00:33;"
    " ip link property add dev veb altname another_name_for_it; ip link property add dev veb altname a2;"
    " ip link set dev veb gso_max_size 30000 gso_max_segs 7";

static const char list[] =
    "ip -d -o link show | grep '^[0-9]*: \\(mv1\\|mv2\\|ifb7\\|veb\\)' | sed 's/ link-netns[^ ]* [^ ]*//' | sort; ip -4 -o addr show dev mv1";

/* it is told of what it stands on a moment later */
static const char carrier[] = "! ip -o link show mv1 | grep -q NO-CARRIER";

int main(void) {
  tst_begin();
  netns_with(settings);
  tst_until(!netns_says(carrier), "the macvlan has no carrier");
  char *was = netns_listed(list);
  if (!strstr(was, "another_name_for_it") || !strstr(was, "mv1")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("ip link property del dev veb altname a2");
  tst_until(!netns_says(carrier), "the macvlan has no carrier");
  netns_same(was, list);
  return tst_pass();
}
