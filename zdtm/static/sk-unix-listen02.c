// zdtm: {"category": "sockets-unix", "spoils": true, "verifies": "a connection that waits to be accepted comes back with the data on its way", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("listener");
  int fd = named_bound(SOCK_STREAM, &name), client;
  char text[8];
  tst_sys(listen(fd, 5));
  tst_check((client = named_client(SOCK_STREAM, &name)) >= 0, "not let in");
  tst_sys(send(client, "early", 5, 0));
  tst_ready();
  tst_sys(fcntl(fd, F_SETFL, O_NONBLOCK));
  TST_SPOIL close(tst_sys(accept(fd, NULL, NULL)));
  int server = tst_sys(accept(fd, NULL, NULL));
  tst_check(recv(server, text, 8, MSG_DONTWAIT) == 5, "what was sent is lost");
  return tst_pass();
}
