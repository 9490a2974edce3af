// zdtm: {"category": "sockets-unix", "verifies": "datagrams that a peer left before it closed can be read"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int pair[2];
  char text[8];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  tst_sys(write(pair[0], "one", 3));
  tst_sys(write(pair[0], "three", 5));
  close(pair[0]);
  tst_ready();
  TST_SPOIL tst_sys(read(pair[1], text, 8));
  tst_check(read(pair[1], text, 8) == 3 && !memcmp(text, "one", 3), "the first datagram is lost");
  tst_check(read(pair[1], text, 8) == 5 && !memcmp(text, "three", 5), "the second datagram is lost");
  tst_check(read(pair[1], text, 8) == -1 && errno == EAGAIN, "there is one datagram more");
  tst_check(write(pair[1], "x", 1) == -1 && (errno == ECONNREFUSED || errno == ENOTCONN), "there is a peer: %s",
            strerror(errno));
  return tst_pass();
}
