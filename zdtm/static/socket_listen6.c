// zdtm: {"category": "sockets-inet", "verifies": "an IPv6 listener is at its port and lets clients in"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name name;
  int fd = inet_bound(AF_INET6, SOCK_STREAM, &name);
  tst_sys(listen(fd, 9));
  tst_ready();
  TST_SPOIL name.six.sin6_port = htons(1);
  inet_serves(fd, &name);
  return tst_pass();
}
