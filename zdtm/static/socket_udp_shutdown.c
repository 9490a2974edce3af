// zdtm: {"category": "sockets-inet", "verifies": "the way a connected UDP socket was shut down stays: reading, sending, both"}
#include "inet.h"

#include <poll.h>

int main(void) {
  tst_begin();
  static const int families[] = {AF_INET, AF_INET6};
  int fds[2][4];
  for (int i = 0; i < 2; i++) {
    for (int how = SHUT_RD; how <= SHUT_RDWR + 1; how++) {
      inet_name name;
      fds[i][how] = inet_bound(families[i], SOCK_DGRAM, &name);
      tst_sys(connect(fds[i][how], &name.any, inet_length(families[i])));
      if (how <= SHUT_RDWR) tst_sys(shutdown(fds[i][how], how));
    }
  }
  tst_ready();
  TST_SPOIL tst_sys(shutdown(fds[1][3], SHUT_RD));
  for (int i = 0; i < 2; i++) {
    for (int how = SHUT_RD; how <= SHUT_RDWR + 1; how++) {
      int fd = fds[i][how];
      bool reads = how == SHUT_WR || how > SHUT_RDWR, sends = how == SHUT_RD || how > SHUT_RDWR;
      struct pollfd ask = {.fd = fd, .events = POLLRDHUP | POLLHUP};
      poll(&ask, 1, 0);
      tst_check(!(ask.revents & POLLRDHUP) == reads, "family %d, shut %d: reading is %x", families[i], how, ask.revents);
      ssize_t sent = send(fd, "x", 1, MSG_NOSIGNAL);
      tst_check(sends ? sent == 1 : sent == -1 && errno == EPIPE, "family %d, shut %d: it sends %zd", families[i], how, sent);
    }
  }
  return tst_pass();
}
