// zdtm: {"category": "sockets-unix", "verifies": "datagram sockets, bound or not, connected one way or both, keep their peers and what waits"}
#include "named.h"

int main(void) {
  tst_begin();
  named_name server = named_path("server"), a = named_path("a"), b = named_abstract("b"), idle = named_path("idle");
  int fd = named_bound(SOCK_DGRAM, &server), one = named_client(SOCK_DGRAM, &server), two = named_client(SOCK_DGRAM, &server);
  int left = named_bound(SOCK_DGRAM, &a), right = named_bound(SOCK_DGRAM, &b), alone = named_bound(SOCK_DGRAM, &idle);
  tst_sys(connect(left, (void *)&b.address, b.length));
  tst_sys(connect(right, (void *)&a.address, a.length));
  tst_sys(send(one, "1", 1, 0));
  tst_sys(send(two, "22", 2, 0));
  tst_sys(send(left, "l", 1, 0));
  tst_sys(send(right, "rr", 2, 0));
  tst_ready();
  char text[8];
  TST_SPOIL tst_sys(recv(left, text, 8, 0));
  tst_check(recv(fd, text, 8, MSG_DONTWAIT) == 1 && recv(fd, text, 8, MSG_DONTWAIT) == 2, "the server's queue is another");
  tst_check(recv(right, text, 8, MSG_DONTWAIT) == 1 && recv(left, text, 8, MSG_DONTWAIT) == 2, "the pair's queues are others");
  tst_check(send(one, "x", 1, 0) == 1 && send(two, "x", 1, 0) == 1 && recv(fd, text, 8, MSG_DONTWAIT) == 1, "a client lost it");
  tst_check(send(left, "x", 1, 0) == 1 && recv(right, text, 8, MSG_DONTWAIT) == 1, "left lost right");
  tst_check(sendto(one, "x", 1, 0, (void *)&a.address, a.length) == -1 && errno == EPERM, "left hears strangers");
  tst_check(sendto(one, "x", 1, 0, (void *)&idle.address, idle.length) == 1, "the idle one is not there");
  tst_check(recv(alone, text, 8, MSG_DONTWAIT) == 1, "the idle one hears nothing");
  return tst_pass();
}
