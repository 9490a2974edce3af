// zdtm: {"category": "sockets-unix", "verifies": "a bound datagram socket keeps what a client left that is closed, and takes new ones"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name name = named_path("server");
  int fd = named_bound(SOCK_DGRAM, &name), client = named_client(SOCK_DGRAM, &name);
  char text[8];
  tst_sys(send(client, "left", 4, 0));
  close(client);
  tst_ready();
  TST_SPOIL tst_sys(recv(fd, text, 8, 0));
  tst_check(recv(fd, text, 8, MSG_DONTWAIT) == 4 && !memcmp(text, "left", 4), "what was left is lost");
  client = named_client(SOCK_DGRAM, &name);
  if (client < 0) tst_die("no client is taken");
  tst_sys(send(client, "new", 3, 0));
  tst_check(recv(fd, text, 8, MSG_DONTWAIT) == 3, "the new client is not heard");
  return tst_pass();
}
