// zdtm: {"category": "sockets-unix", "verifies": "seqpacket pairs that are shut both ways, by one end or both, stay so with what waits"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int one[2], both[2];
  char text[8];
  signal(SIGPIPE, SIG_IGN);
  tst_sys(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, one));
  tst_sys(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, both));
  tst_sys(send(one[0], "a", 1, 0));
  tst_sys(send(one[0], "bb", 2, 0));
  tst_sys(shutdown(one[0], SHUT_RDWR));
  tst_sys(shutdown(both[0], SHUT_WR));
  tst_sys(shutdown(both[1], SHUT_WR));
  tst_ready();
  TST_SPOIL tst_sys(recv(one[1], text, 8, 0));
  tst_check(recv(one[1], text, 8, 0) == 1 && recv(one[1], text, 8, 0) == 2, "what waits is lost");
  tst_check(recv(one[1], text, 8, 0) == 0, "the end is not told");
  for (int i = 0; i < 2; i++) {
    tst_check(send(one[i], "x", 1, 0) == -1 && errno == EPIPE, "end %d sends", i);
    tst_check(recv(both[i], text, 8, 0) == 0, "end %d waits for more", i);
    tst_check(send(both[i], "x", 1, 0) == -1 && errno == EPIPE, "end %d of the other pair sends", i);
  }
  return tst_pass();
}
