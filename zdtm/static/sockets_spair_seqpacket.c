// zdtm: {"category": "sockets-unix", "verifies": "a seqpacket socket pair keeps the bounds of its packets"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int pair[2];
  char text[32] = {0};
  tst_sys(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
  for (int i = 0; i < 5; i++) tst_sys(send(pair[0], "12345678", (size_t)(i + 1), 0));
  tst_ready();
  TST_SPOIL tst_sys(send(pair[0], "x", 1, 0));
  for (int i = 0; i < 5; i++) tst_check(recv(pair[1], text, 31, 0) == i + 1, "packet %d has another length", i);
  tst_check(recv(pair[1], text, 31, 0) == -1 && errno == EAGAIN, "there is one packet more");
  tst_sys(send(pair[1], "back", 4, 0));
  tst_check(recv(pair[0], text, 31, 0) == 4, "the way back");
  int type = 0;
  socklen_t length = sizeof(type);
  tst_sys(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &type, &length));
  tst_check(type == SOCK_SEQPACKET, "the type is %d", type);
  return tst_pass();
}
