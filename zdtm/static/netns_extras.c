// zdtm: {"category": "netns", "verifies": "tokens of IPv6 addresses, multicast groups that were set on bridges and interfaces, endpoints and limits of multipath TCP", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge"]}
#include "netns.h"

static const char settings[] =
    "ip token set ::7:9 dev veb;"
    " ip maddr add 33:33:00:00:00:99 dev veb; ip maddr add 01:00:5e:00:00:77 dev vea;"
    " bridge mdb add dev br0 port vea grp 239.1.1.1 permanent; bridge mdb add dev br0 port vea grp ff0e::7 permanent;"
    " bridge mdb add dev br0 port vea grp 239.1.1.2 src 10.0.0.9 permanent;"
    " ip mptcp limits set subflow 5 add_addr_accepted 3; ip mptcp endpoint add 10.1.0.1 dev veb id 9 subflow backup;"
    " ip mptcp endpoint add 10.1.0.1 port 7003 id 3 signal";

static const char list[] =
    "ip token | sort; ip maddr | grep -B9 static | grep 'static\\|^[0-9]'; bridge mdb | sort; ip mptcp limits;"
    " ip mptcp endpoint | sort";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "token ::0.7.0.9 dev veb") || !strstr(was, "33:33:00:00:00:99 static")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("ip token set ::7:8 dev veb");
  netns_same(was, list);
  return tst_pass();
}
