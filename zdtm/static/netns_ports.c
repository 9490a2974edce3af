// zdtm: {"category": "netns", "verifies": "the state that somebody set of a bridge's port, the port beside it that takes over, the address of the bridge's group; broadcast addresses, modes and switches of links; rules of routing of unusual kinds, those of multicasts too", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge"]}
#include "netns.h"

/* What a kernel was built without is asked for, and does without. */
static const char settings[] =
    "ip link add vec type veth peer name ved; ip link set vec master br0; ip link set vec up; ip link set ved up;"
    " ip link set br0 type bridge group_address 01:80:c2:00:00:05; ip link set br0 type bridge no_linklocal_learn 1;"
    " ip link set veb broadcast 01:02:03:04:05:06; ip link set veb mode dormant; ip link add mv1 link veb type macvlan;"
    " ip link set mv1 protodown on; ip -4 mrule add iif veb table 5 prio 9; ip -6 mrule add iif veb table 6 prio 0;"
    " ip rule add from 10.0.0.0/8 iif veb fwmark 3/7 tos 0x10 ipproto tcp sport 5-9 dport 80 table 7"
    " $(grep -q ' 0 *4294967295' /proc/self/uid_map && echo uidrange 0-5) suppress_prefixlength 3 prio 55; ip rule add prio 60 goto 70; ip rule add prio 70 nop; ip rule add prio 71 not from 1.2.3.4"
    " blackhole; ip rule add prio 72 tun_id 5 table 9; ip rule add prio 73 to 9.9.9.9 realms 5/6 table 7; ip rule add prio 74 l3mdev;"
    " ip -6 rule add prio 80 oif veb suppress_ifgroup 7 table 8; ip rule add prio 90 goto 99";

/* a port has its carrier a moment later */
static const char state[] = "bridge -d link show dev vec | grep -q 'state forwarding'";
static const char held[] = "bridge link set dev vea backup_port vec; bridge link set dev vec state 0";
static const char list[] =
    "bridge -d link show | grep -o '^[0-9]*: ve[^@]*\\|state [a-z]*\\|backup_port [a-z]*'; ip -d link show br0 | grep -o"
    " 'group_address [^ ]*\\|no_linklocal_learn [^ ]*'; ip -d link show veb | grep -o 'brd .*promi\\|mode [A-Z]*'; ip -d link show mv1 |"
    " grep -o 'protodown o[nf]*'; ip -4 mrule; ip -6 mrule; ip rule; ip -6 rule";

int main(void) {
  tst_begin();
  netns_leave();
  netns_bridge();
  if (system(settings) == -1) tst_die("no shell");
  tst_until(!netns_says(state), "the port does not come up");
  if (system(held) == -1) tst_die("no shell");
  char *was = netns_listed(list);
  if (!strstr(was, "disabled") || !strstr(was, "01:02:03:04:05:06")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("bridge link set dev vec state 3");
  netns_same(was, list);
  return tst_pass();
}
