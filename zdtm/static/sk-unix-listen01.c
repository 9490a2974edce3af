// zdtm: {"category": "sockets-unix", "verifies": "connections that wait to be accepted can be accepted, first one first"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("listener");
  int fd = named_bound(SOCK_STREAM, &name), clients[3];
  char text[8];
  tst_sys(listen(fd, 5));
  for (int i = 0; i < 3; i++) clients[i] = named_client(SOCK_STREAM, &name);
  tst_ready();
  TST_SPOIL close(tst_sys(accept(fd, NULL, NULL)));
  for (int i = 0; i < 3; i++)
    tst_check(send(clients[i], &"abc"[i], 1, MSG_NOSIGNAL) == 1, "connection %d is gone", i);
  tst_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
  for (int i = 0; i < 3; i++) {
    int server = tst_sys(accept(fd, NULL, NULL));
    tst_check(recv(server, text, 8, MSG_DONTWAIT) == 1 && text[0] == "abc"[i], "connection %d is another", i);
    close(server);
  }
  tst_check(accept(fd, NULL, NULL) == -1 && errno == EAGAIN, "there is one more");
  return tst_pass();
}
