// zdtm: {"category": "sockets-unix", "verifies": "a datagram socket pair keeps its datagrams, an empty one too, in order and both ways"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int pair[2];
  static const int lengths[] = {3, 0, 2000, 1, 30000};
  static char text[40000];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  for (int i = 0; i < 5; i++) {
    memset(text, 'a' + i, sizeof(text));
    tst_sys(send(pair[0], text, (size_t)lengths[i], 0));
    tst_sys(send(pair[1], text, (size_t)lengths[4 - i], 0));
  }
  tst_ready();
  TST_SPOIL tst_sys(recv(pair[0], text, 1, 0));
  for (int i = 0; i < 5; i++) {
    ssize_t got = recv(pair[1], text, sizeof(text), 0);
    tst_check(got == lengths[i] && (!got || text[got - 1] == 'a' + i), "datagram %d has %zd bytes of %c", i, got, text[0]);
    got = recv(pair[0], text, sizeof(text), 0);
    tst_check(got == lengths[4 - i] && (!got || text[got - 1] == 'a' + i), "datagram %d back has %zd bytes", i, got);
  }
  tst_check(recv(pair[1], text, 1, 0) == -1 && errno == EAGAIN, "there is one datagram more");
  return tst_pass();
}
