// zdtm: {"category": "netns", "verifies": "tunnels and what stands on others: vxlan with where its entries lead, gre, ipip, geneve, vrf, bonds, ipvlans, VLANs, keys and peers of WireGuard, as far as the kernel has them", "needs": ["root", "file:/usr/sbin/ip", "file:/usr/sbin/bridge"]}
#include "netns.h"

/* What a kernel was built without is asked for, and does without. */
static const char settings[] =
    "ip link add vx type vxlan id 5 dstport 4789 remote 10.0.0.9; ip link set vx up; bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.10;"
    " bridge fdb add 02:00:00:00:00:01 dev vx dst 10.0.0.11 vni 9 port 4444; ip link add vy type vxlan external dstport 4790;"
    " bridge fdb add 02:00:00:00:00:02 dev vx dst 10.0.0.12 via veb static;"
    " ip link add vz type vxlan id 9 group 239.1.1.1 dev veb dstport 4791 ttl 4 gbp; ip link set vz master br0; ip link set vz up;"
    " ip link add v6 type vxlan id 8 remote fd00::1 local fd00::2 dstport 4792 port 1000 2000 nolearning ageing 77;"
    " for k in gre gretap ipip vti; do ip link add t-$k type $k remote 10.0.0.1 local 10.0.0.2; done;"
    " ip link add t-gk type gre remote 10.0.0.9 local 10.0.0.2 ikey 5 okey 6 ttl 9 dev veb;"
    " for k in ip6gre ip6gretap ip6tnl; do ip link add t-$k type $k remote fd00::1 local fd00::2; done;"
    " ip link add gn type geneve id 5 remote 10.0.0.1; ip link add vrf5 type vrf table 5; ip link set vrf5 up;"
    " ip link add d1 type dummy; ip link set d1 master vrf5; ip link set d1 up; ip addr add 10.5.0.1/24 dev d1;"
    " ip link add iv0 link veb type ipvlan mode l3; ip link add link veb name veb.7 type vlan id 7 egress-qos-map 1:2;"
    " ip link add link veb.7 name mv0 type macvlan mode bridge; ip link add wg0 type wireguard; ip link set wg0 up;"
    " ip link add bo1 type bond mode 802.3ad lacp_rate fast xmit_hash_policy layer3+4";

static const char list[] =
    "ip -d -o link show | sed 's/gso_max.*//; s/hello_timer.*//; s/bridge_slave.*//; s/ link-netns[^ ]* [^ ]*//; s/state [A-Z]*//; s/<[^>]*>//' | sort; bridge fdb | grep dst | sort;"
    " ip -4 addr show dev d1; ip rule; ip route show table 5";

int main(void) {
  tst_begin();
  netns_with(settings);
  char *was = netns_listed(list);
  if (!strstr(was, "vxlan id 5") || !strstr(was, "dst 10.0.0.11 port 4444 vni 9")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do("ip link del vy");
  netns_same(was, list);
  return tst_pass();
}
