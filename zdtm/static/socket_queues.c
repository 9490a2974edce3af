// zdtm: {"category": "sockets-unix", "verifies": "stream and datagram sockets, pairs and bound ones, keep two messages each"}
#include "tst.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef PAIR
#define PAIR SOCK_STREAM
#endif

int main(void) {
  tst_begin();
  int pair[2], datagram[2];
  char text[32];
  tst_sys(socketpair(AF_UNIX, PAIR, 0, pair));
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram));
  int bound = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0)), client = tst_sys(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                 (unsigned)sprintf(name.sun_path + 1, "zdtm queues %d", getpid()));
  tst_sys(bind(bound, (void *)&name, length));
  tst_sys(connect(client, (void *)&name, length));
  int from[] = {pair[0], datagram[0], client}, to[] = {pair[1], datagram[1], bound};
  for (int i = 0; i < 3; i++) {
    tst_sys(send(from[i], "first", 5, 0));
    tst_sys(send(from[i], "second", 6, 0));
  }
  tst_ready();
  TST_SPOIL tst_sys(recv(bound, text, 32, 0));
  for (int i = 0; i < 3; i++) {
    tst_check(recv(to[i], text, i ? 32 : 5, 0) == 5 && !memcmp(text, "first", 5), "socket %d: the first message", i);
    tst_check(recv(to[i], text, 32, 0) == 6 && !memcmp(text, "second", 6), "socket %d: the second message", i);
  }
  tst_check(send(client, "third", 5, 0) == 5 && recv(bound, text, 32, 0) == 5, "the client is not connected");
  return tst_pass();
}
