// zdtm: {"category": "sockets-inet", "verifies": "an IPv4 listener is at its port and lets clients in"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name name;
  int fd = inet_bound(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, &name);
  tst_sys(listen(fd, 9));
  tst_ready();
  TST_SPOIL name.four.sin_port = htons(1);
  inet_serves(fd, &name);
  tst_check(fcntl(fd, F_GETFD) == FD_CLOEXEC && inet_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1, "the listener is another");
  return tst_pass();
}
