// zdtm: {"category": "netns", "verifies": "bridges filter by VLANs, and their ports let the same ones through, with those that packets without one belong to; entries of bridges that are of one VLAN", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge"]}
#include "netns.h"

static const char settings[] =
    "ip link add b0 type bridge vlan_default_pvid 3 && ip link set b0 type bridge vlan_filtering 1;"
    " ip link add b1 type bridge vlan_filtering 1 vlan_stats_per_port 1; ip link add b2 type bridge;"
    " for i in 0 1 2 3 4; do ip link add p$i type veth peer name q$i; ip link set p$i up; ip link set q$i up; done;"
    " ip link set p0 master b0; ip link set p1 master b0; ip link set p2 master b1; ip link set p3 master b1; ip link set p4 master b2;"
    " bridge vlan add dev p0 vid 10-12; bridge vlan add dev p0 vid 20 pvid untagged; bridge vlan del dev p1 vid 3;"
    " bridge vlan add dev b0 vid 10 self; bridge vlan add dev p2 vid 5; for i in b0 b1 b2; do ip link set $i up; done;"
    " bridge fdb add 02:00:00:00:00:05 dev p0 master static vlan 10; ip link set b0 type bridge mcast_vlan_snooping 1";

static const char list[] =
    "bridge vlan show; ip -d link show | grep -o '^[0-9]*: [^:]*\\|vlan_filtering [0-9]\\|vlan_default_pvid [0-9]*\\|vlan_stats_per_port [0-9]\\|"
    "mcast_vlan_snooping [0-9]'; bridge fdb | grep 02:00:00:00:00:05";

int main(void) {
  tst_begin();
  netns_leave();
  if (system(settings) == -1) tst_die("no shell");
  char *was = netns_listed(list);
  if (!strstr(was, "20 PVID")) tst_skip("this kernel's bridges know no VLANs");
  tst_ready();
  TST_SPOIL netns_do("bridge vlan del dev p0 vid 11");
  netns_same(was, list);
  return tst_pass();
}
