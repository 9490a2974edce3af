// zdtm: {"category": "netns", "verifies": "a program that routes multicasts is refused in a network namespace of its own, and goes on", "needs": ["root"], "refused": "a program routes multicasts of ipv4"}
#include "netns.h"

#include <linux/mroute.h>

int main(void) {
  tst_begin();
  netns_leave();
  int fd = tst_sys(socket(AF_INET, SOCK_RAW, IPPROTO_IGMP)), on = 1;
  if (setsockopt(fd, SOL_IP, MRT_INIT, &on, sizeof(on))) tst_skip("this kernel routes no multicasts");
  tst_ready();
  TST_SPOIL close(fd);
  tst_check(netns_sysctl("ipv4/conf/all/mc_forwarding", NULL) == 1, "nobody routes multicasts any more");
  return tst_pass();
}
