// zdtm: {"category": "sockets-other", "verifies": "a netlink socket with an answer that was not read is refused before anything is touched, and keeps the answer", "refused": "holds messages that were not read"}
#include "inet.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

int main(void) {
  tst_begin();
  struct {
    struct nlmsghdr head;
    struct ifinfomsg link;
  } ask = {{sizeof(ask), RTM_GETLINK, NLM_F_REQUEST, 7, 0}, {.ifi_index = 1}};
  char answer[8192];
  int fd = tst_sys(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  tst_sys(send(fd, &ask, sizeof(ask), 0));
  tst_ready();
  TST_SPOIL tst_sys(recv(fd, answer, sizeof(answer), MSG_DONTWAIT));
  ssize_t got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
  tst_check(got > 0 && ((struct nlmsghdr *)answer)->nlmsg_seq == 7, "the answer is gone");
  return tst_pass();
}
