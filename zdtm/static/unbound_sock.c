// zdtm: {"category": "sockets-inet", "verifies": "sockets of every kind that are not bound yet can be bound and used afterwards"}
#include "inet.h"

int main(void) {
  tst_begin();
  int tcp = tst_sys(socket(AF_INET, SOCK_STREAM, 0)), udp = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)),
      tcp6 = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
  inet_set(tcp, SOL_SOCKET, SO_REUSEADDR, 1);
  tst_ready();
  TST_SPOIL inet_set(tcp, SOL_SOCKET, SO_REUSEADDR, 0);
  inet_name name = inet_loopback(AF_INET);
  socklen_t length = sizeof(name);
  tst_sys(bind(tcp, &name.any, sizeof(name.four)));
  tst_sys(getsockname(tcp, &name.any, &length));
  tst_sys(listen(tcp, 1));
  inet_serves(tcp, &name);
  tst_check(inet_option(tcp, SOL_SOCKET, SO_REUSEADDR) == 1, "the option is lost");
  name = inet_loopback(AF_INET);
  tst_sys(bind(udp, &name.any, sizeof(name.four)));
  if (tcp6 >= 0) tst_check(fcntl(tcp6, F_GETFL) & O_NONBLOCK, "the flag of the third is lost");
  return tst_pass();
}
