// zdtm: {"category": "netns", "verifies": "interfaces have as many queues as they were made with and use as many as was said, the same CPUs take and send their packets (RPS, XPS), and packets wait for others as long", "needs": ["root", "file:/usr/sbin/ip"]}
#include "netns.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>

/* Interfaces without more than the usual, one made with queues, and one that uses fewer than it has. */
static const char made[] =
    "ip link add br0 type bridge && ip link set br0 up && ip link add vea numtxqueues 4 numrxqueues 3 type veth peer name veb"
    " numtxqueues 2 numrxqueues 5 && ip link set vea master br0 && ip link set vea up && ip link set veb up";
/* A sysfs shows the network of who mounts it. */
#define IN_SYSFS(commands) "unshare -m sh -c 'mount -t sysfs none /sys && cd /sys/class/net && " commands "'"
static const char set[] = IN_SYSFS(
    "echo 1 >lo/queues/rx-0/rps_cpus && echo 2 >vea/queues/rx-1/rps_cpus && echo 3 >vea/queues/rx-2/rps_cpus"
    " && echo 64 >vea/queues/rx-2/rps_flow_cnt && echo 1 >vea/queues/tx-3/xps_cpus && echo 3 >veb/queues/tx-1/xps_cpus"
    " && echo 2 >veb/queues/tx-0/xps_rxqs && echo 20000 >veb/gro_flush_timeout && echo 2 >veb/napi_defer_hard_irqs; echo 1 >vea/threaded");
static const char list[] =
    "ip -d -o link show | grep -o '^[0-9]*: [^:]*\\|numtxqueues [0-9]* numrxqueues [0-9]*'; " IN_SYSFS("for i in lo br0 vea veb; do"
    " grep -rH . $i/queues/*/rps_* $i/queues/*/xps_* $i/gro_flush_timeout $i/napi_defer_hard_irqs $i/threaded; done");

static void tell(const char *name, void *what) {
  struct ifreq request = {.ifr_data = what};
  strcpy(request.ifr_name, name);
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  if (ioctl(fd, SIOCETHTOOL, &request)) tst_skip("%s is not asked for that", name);
  close(fd);
}

int main(void) {
  tst_begin();
  netns_leave();
  netns_do(made);
  tell("veb", &(struct ethtool_channels){.cmd = ETHTOOL_SCHANNELS, .rx_count = 4, .tx_count = 2});
  // only who joins segments has somebody that waits for packets
  tell("vea", &(struct ethtool_value){.cmd = ETHTOOL_SGRO, .data = 1});
  if (system(set) == -1) tst_die("no shell");
  char *was = netns_listed(list);
  if (!strstr(was, "rps_flow_cnt:64")) tst_skip("they are not set: %s", was);
  tst_ready();
  TST_SPOIL netns_do(IN_SYSFS("echo 0 >vea/queues/rx-1/rps_cpus"));
  netns_same(was, list);
  return tst_pass();
}
