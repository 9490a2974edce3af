// zdtm: {"category": "sockets-inet", "verifies": "UDP sockets, bound, connected and fresh, keep their addresses and pass datagrams"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name one, two;
  char text[16] = {0};
  int bound = inet_bound(AF_INET, SOCK_DGRAM, &one), connected = inet_bound(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, &two),
      fresh = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(connect(connected, &one.any, sizeof(one.four)));
  tst_ready();
  TST_SPOIL tst_sys(connect(connected, &two.any, sizeof(two.four)));
  inet_name from;
  socklen_t length = sizeof(from);
  tst_sys(send(connected, "hello", 5, 0));
  tst_check(recvfrom(bound, text, 16, MSG_DONTWAIT, &from.any, &length) == 5, "the datagram is lost: %s", strerror(errno));
  tst_check(from.four.sin_port == two.four.sin_port, "the sender has port %d", ntohs(from.four.sin_port));
  tst_sys(sendto(bound, "back", 4, 0, &two.any, sizeof(two.four)));
  tst_check(recv(connected, text, 16, 0) == 4, "the answer is lost");
  /* A connected socket hears its peer only. */
  tst_sys(sendto(fresh, "noise", 5, 0, &two.any, sizeof(two.four)));
  tst_check(recv(connected, text, 16, 0) == -1 && errno == EAGAIN, "the connected socket hears others");
  return tst_pass();
}
