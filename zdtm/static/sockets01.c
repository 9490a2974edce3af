// zdtm: {"category": "sockets-unix", "verifies": "socket pairs that are shut down for reading or writing stay so"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  int writing[3][2], reading[3][2];
  char text[8];
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < 3; i++) {
    tst_sys(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, writing[i]));
    tst_sys(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, reading[i]));
    tst_sys(send(writing[i][0], "last", 4, 0));
    tst_sys(shutdown(writing[i][0], SHUT_WR));
    tst_sys(shutdown(reading[i][0], SHUT_RD));
  }
  tst_ready();
  TST_SPOIL tst_sys(shutdown(writing[2][1], SHUT_WR));
  for (int i = 0; i < 3; i++) {
    tst_check(send(writing[i][0], "x", 1, 0) == -1 && errno == EPIPE, "type %d: the shut side sends", types[i]);
    tst_check(recv(writing[i][1], text, 8, 0) == 4, "type %d: the last message is lost", types[i]);
    tst_check(recv(writing[i][1], text, 8, 0) <= 0, "type %d: there is more", types[i]);
    tst_check(send(writing[i][1], "y", 1, 0) == 1 && recv(writing[i][0], text, 8, 0) == 1, "type %d: the other way", types[i]);
    /* A datagram socket without a connection's end has nothing to tell (EAGAIN). */
    tst_check(recv(reading[i][0], text, 8, 0) == (types[i] == SOCK_DGRAM ? -1 : 0), "type %d: the shut side receives", types[i]);
    tst_check(send(reading[i][1], "x", 1, 0) == -1 && errno == EPIPE, "type %d: its peer sends", types[i]);
  }
  return tst_pass();
}
