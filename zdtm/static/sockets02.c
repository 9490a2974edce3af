// zdtm: {"category": "sockets-unix", "verifies": "when the peer of a pair is closed the rest can be read, then the end"}
#include "tst.h"

#include <sys/socket.h>

#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

int main(void) {
  tst_begin();
  int pair[2], empty[2];
  char text[8];
  signal(SIGPIPE, SIG_IGN);
  tst_sys(socketpair(AF_UNIX, TYPE, 0, pair));
  tst_sys(socketpair(AF_UNIX, TYPE, 0, empty));
  tst_sys(write(pair[0], "rest", 4));
  close(pair[0]);
  close(empty[0]);
  tst_ready();
  TST_SPOIL tst_sys(read(pair[1], text, 8));
  tst_check(read(pair[1], text, 8) == 4 && !memcmp(text, "rest", 4), "the rest is lost");
  tst_check(read(pair[1], text, 8) == 0, "the end is not seen");
  tst_check(read(empty[1], text, 8) == 0, "the end of the empty pair is not seen");
  tst_check(write(empty[1], "x", 1) == -1 && errno == EPIPE, "the pair takes bytes without a peer");
  return tst_pass();
}
