// zdtm: {"category": "sockets-inet", "verifies": "a connection of multipath TCP is refused by name, and goes on", "opts": ["--tcp-established"], "refused": "is of multipath TCP"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name name = inet_loopback(AF_INET);
  socklen_t length = sizeof(name.four);
  int listener = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), client = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  if (client < 0) tst_skip("no multipath TCP: %s", strerror(errno));
  tst_sys(bind(listener, &name.any, length));
  tst_sys(getsockname(listener, &name.any, &length));
  tst_sys(listen(listener, 5));
  tst_sys(connect(client, &name.any, length));
  int server = tst_sys(accept(listener, NULL, NULL));
  char text[8];
  tst_ready();
  TST_SPOIL tst_sys(shutdown(client, SHUT_WR));
  tst_check(send(client, "still", 5, MSG_NOSIGNAL) == 5, "nothing can be sent");
  tst_check(recv(server, text, 8, 0) == 5, "nothing comes");
  return tst_pass();
}
