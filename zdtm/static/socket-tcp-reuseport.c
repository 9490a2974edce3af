// zdtm: {"category": "tcp", "verifies": "two listeners share a port, one of which shares no more, and a connection to it; each has its own options", "opts": ["--tcp-established"]}
#include "tcp.h"

static int shared(inet_name *name) {
  socklen_t length = sizeof(name->four);
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  tst_sys(bind(fd, &name->any, sizeof(name->four)));
  tst_sys(getsockname(fd, &name->any, &length));
  return fd;
}

int main(void) {
  tst_begin();
  inet_name name = inet_loopback(AF_INET);
  int fds[] = {shared(&name), shared(&name)};
  tst_sys(listen(fds[0], 8));
  int client = tcp_call(&name), server = tst_sys(accept(fds[0], NULL, NULL));
  tst_sys(listen(fds[1], 8));
  inet_set(fds[1], SOL_SOCKET, SO_REUSEPORT, 0);
  inet_set(server, SOL_SOCKET, SO_REUSEADDR, 1);
  tst_ready();
  TST_SPOIL inet_set(fds[1], SOL_SOCKET, SO_REUSEPORT, 1);
  tst_check(inet_option(fds[0], SOL_SOCKET, SO_REUSEPORT) == 1, "the first one does not share");
  tst_check(inet_option(fds[1], SOL_SOCKET, SO_REUSEPORT) == 0, "the second one shares");
  tst_check(inet_option(server, SOL_SOCKET, SO_REUSEPORT) == 1, "the connection does not share");
  tst_check(inet_option(server, SOL_SOCKET, SO_REUSEADDR) == 1, "the connection's address cannot be used again");
  tst_check(inet_option(client, SOL_SOCKET, SO_REUSEADDR) == 0, "the client's address can be used again");
  tcp_send(client, "hello");
  tcp_expect(server, "hello");
  for (int i = 0; i < 16; i++) {
    struct pollfd polled[] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    int caller = tcp_call(&name);
    tst_sys(poll(polled, 2, -1));
    close(tst_sys(accept(polled[0].revents ? fds[0] : fds[1], NULL, NULL)));
    close(caller);
  }
  return tst_pass();
}
