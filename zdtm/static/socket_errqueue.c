// zdtm: {"category": "sockets-inet", "verifies": "sockets whose error queue holds what is no message of ICMP are refused before anything is touched, and keep it", "needs": ["root"], "refused": "what waits in the error queue of a socket cannot be brought back|which this kernel shows to nobody"}
#include "inet.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <poll.h>

int main(void) {
  tst_begin();
  inet_name name;
  char text[64], room[256];
  int fd = inet_bound(AF_INET, SOCK_DGRAM, &name);
  inet_set(fd, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
  tst_sys(sendto(fd, "when", 4, 0, &name.any, sizeof(name.four)));
  struct pollfd one = {fd, 0, 0};
  tst_until(poll(&one, 1, 0) == 1 && (one.revents & POLLERR), "no time stamp comes");
  tst_ready();
  struct iovec part = {text, sizeof(text)};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
  TST_SPOIL recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT);
  tst_check(recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT) > 0, "the time stamp is gone");
  return tst_pass();
}
