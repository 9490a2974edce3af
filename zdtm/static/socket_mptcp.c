// zdtm: {"category": "sockets-inet", "verifies": "sockets that listen for multipath TCP keep address and options, and serve clients of it and of plain TCP; fresh ones can connect"}
#include "sockopts.h"

static const sockopt options[] = {SOCKOPT(SOL_TCP, TCP_NODELAY, 1), SOCKOPT(SOL_TCP, TCP_KEEPIDLE, 77), SOCKOPT(SOL_SOCKET, SO_KEEPALIVE, 1)};

int main(void) {
  tst_begin();
  static const int families[] = {AF_INET, AF_INET6};
  inet_name names[2];
  int listeners[2], fresh = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  if (fresh < 0) tst_skip("no multipath TCP: %s", strerror(errno));
  for (int i = 0; i < 2; i++) {
    socklen_t length = inet_length(families[i]);
    names[i] = inet_loopback(families[i]);
    listeners[i] = tst_sys(socket(families[i], SOCK_STREAM, IPPROTO_MPTCP));
    tst_sys(bind(listeners[i], &names[i].any, length));
    tst_sys(getsockname(listeners[i], &names[i].any, &length));
    tst_sys(listen(listeners[i], 5));
    sockopts_set(listeners[i], options, COUNT(options));
  }
  tst_ready();
  TST_SPOIL inet_set(listeners[1], SOL_TCP, TCP_KEEPIDLE, 78);
  for (int i = 0; i < 2; i++) {
    tst_check(inet_option(listeners[i], SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP, "family %d: it is plain", families[i]);
    sockopts_check(listeners[i], "a listener", options, COUNT(options));
    inet_serves(listeners[i], &names[i]);
  }
  tst_check(inet_option(fresh, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP, "the fresh one is plain");
  tst_sys(connect(fresh, &names[0].any, sizeof(names[0].four)));
  int server = tst_sys(accept(listeners[0], NULL, NULL));
  char text[8];
  tst_sys(send(fresh, "multi", 5, 0));
  tst_check(recv(server, text, 8, 0) == 5, "it is not heard");
  tst_check(inet_option(server, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP, "the connection is plain");
  return tst_pass();
}
