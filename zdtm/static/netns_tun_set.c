// zdtm: {"category": "netns", "verifies": "what was set of a tap device whose program is in the tree: what it leaves to the hardware, another name, which CPUs take its packets, its bridge and its settings as a port there, its queueing discipline, neighbours", "needs": ["root", "file:/usr/sbin/ip", "file:/dev/net/tun"], "notIn": {"uns": "/dev/net/tun is the machine's"}}
#include "netns.h"

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

static uint32_t feature(uint32_t command, uint32_t value) {
  struct ethtool_value asked = {.cmd = command, .data = value};
  struct ifreq request = {.ifr_name = "tap7", .ifr_data = (void *)&asked};
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  if (ioctl(fd, SIOCETHTOOL, &request)) tst_die("the device knows nothing of %x", command);
  close(fd);
  return asked.data;
}

static const char set[] = "ip link add br0 type bridge; ip link set br0 up; ip link set tap7 master br0; ip link set tap7 up;"
                          " ip link set dev tap7 type bridge_slave isolated on cost 7; tc qdisc add dev tap7 root handle 1: pfifo limit 33;"
                          " ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev tap7 nud permanent;"
                          " bridge fdb add 02:00:00:00:00:0c dev tap7 master static; ip link property add dev tap7 altname another; unshare -m sh -c"
                          " 'mount -t sysfs none /sys && echo 2 >/sys/class/net/tap7/queues/rx-0/rps_cpus'";
static const char list[] = "ip -o link show tap7 | grep -o 'altname.*'; ip -d -o link show tap7 | grep -o 'master br0\\|isolated o[nf]*\\|cost 7';"
                           " tc qdisc show dev tap7 | grep pfifo; ip neigh show dev tap7; bridge fdb | grep 0c; unshare -m sh -c"
                           " 'mount -t sysfs none /sys && cat /sys/class/net/tap7/queues/rx-0/rps_cpus'";

int main(void) {
  tst_begin();
  netns_leave();
  struct ifreq it = {.ifr_name = "tap7", .ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = tst_sys(open("/dev/net/tun", O_RDWR | O_NONBLOCK));
  tst_sys(ioctl(fd, TUNSETIFF, &it));
  tst_check(feature(ETHTOOL_GGSO, 0) == 1, "it begins otherwise");
  feature(ETHTOOL_SGSO, 0);
  netns_do(set);
  char *was = netns_listed(list);
  tst_check(strstr(was, "another") && strstr(was, "2"), "they are not set: %s", was);
  tst_ready();
  TST_SPOIL feature(ETHTOOL_SGSO, 1);
  tst_check(feature(ETHTOOL_GGSO, 0) == 0, "it takes large segments");
  netns_same(was, list);
  return tst_pass();
}
