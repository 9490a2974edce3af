// zdtm: {"category": "sockets-unix", "verifies": "a socket that was shut for reading before it connected stays shut, and its peer may still send (SOCK_STREAM)"}
#include "named.h"

#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

int main(void) {
  tst_begin();
  signal(SIGPIPE, SIG_IGN);
  named_name name = named_path("listener");
  int listener = named_bound(TYPE, &name), client = tst_sys(socket(AF_UNIX, TYPE, 0));
  tst_sys(listen(listener, 2));
  shutdown(client, SHUT_RD);
  tst_sys(connect(client, (void *)&name.address, name.length));
  int server = tst_sys(accept(listener, NULL, NULL));
  ssize_t before = send(server, "x", 1, MSG_DONTWAIT);
  int error = before < 0 ? errno : 0;
  tst_ready();
  char text[8];
  TST_SPOIL tst_sys(shutdown(client, SHUT_WR));
  tst_check(send(server, "x", 1, MSG_DONTWAIT) == before && (before > 0 || errno == error), "the server's sending is another");
  tst_check(send(client, "up", 2, 0) == 2 && recv(server, text, 8, MSG_DONTWAIT) == 2, "the client does not reach the server");
  named_serves(listener, TYPE, &name);
  return tst_pass();
}
