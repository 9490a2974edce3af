// zdtm: {"category": "netns", "verifies": "what interfaces leave to the hardware stays as it was set (ethtool -K): check sums, segments", "needs": ["root", "file:/usr/sbin/ip"]}
#include "netns.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>

static uint32_t feature(const char *name, uint32_t command, uint32_t value) {
  struct ethtool_value asked = {.cmd = command, .data = value};
  struct ifreq request = {.ifr_data = (void *)&asked};
  strcpy(request.ifr_name, name);
  int fd = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  if (ioctl(fd, SIOCETHTOOL, &request)) tst_die("%s knows nothing of %x", name, command);
  close(fd);
  return asked.data;
}

int main(void) {
  tst_begin();
  netns_leave();
  netns_bridge();
  tst_check(feature("veb", ETHTOOL_GTXCSUM, 0) == 1 && feature("vea", ETHTOOL_GGRO, 0) == 0, "it begins otherwise");
  feature("veb", ETHTOOL_STXCSUM, 0);
  feature("veb", ETHTOOL_SGSO, 0);
  feature("vea", ETHTOOL_SGRO, 1);
  tst_ready();
  TST_SPOIL feature("veb", ETHTOOL_STXCSUM, 1);
  tst_check(feature("veb", ETHTOOL_GTXCSUM, 0) == 0, "it leaves check sums to the hardware");
  tst_check(feature("veb", ETHTOOL_GGSO, 0) == 0, "it takes large segments");
  tst_check(feature("vea", ETHTOOL_GGRO, 0) == 1, "it joins no segments");
  tst_check(feature("vea", ETHTOOL_GTXCSUM, 0) == 1, "the other one leaves no check sums to the hardware");
  return tst_pass();
}
