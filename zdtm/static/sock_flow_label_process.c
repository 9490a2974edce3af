// zdtm: {"category": "sockets-other", "verifies": "a flow label that is for one process alone is told of", "needs": ["net", "file:/proc/net/ip6_flowlabel"], "refused": "an IPv6 socket has a flow label, 12345, which is for one process alone"}
#include "inet.h"

#include <linux/in6.h>

int main(void) {
  tst_begin();
  int fd = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  struct in6_flowlabel_req request = {.flr_dst = in6addr_loopback, .flr_label = htonl(0x12345), .flr_share = IPV6_FL_S_PROCESS,
                                      .flr_flags = IPV6_FL_F_CREATE};
  tst_sys(setsockopt(fd, SOL_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof(request)));
  tst_ready();
  request.flr_action = IPV6_FL_A_PUT;
  tst_sys(setsockopt(fd, SOL_IPV6, IPV6_FLOWLABEL_MGR, &request, sizeof(request)));
  return tst_pass();
}
