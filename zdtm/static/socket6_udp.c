// zdtm: {"category": "sockets-inet", "verifies": "IPv6 UDP sockets, bound and connected, pass datagrams"}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name one, two;
  char text[16] = {0};
  int bound = inet_bound(AF_INET6, SOCK_DGRAM, &one), connected = inet_bound(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, &two);
  tst_sys(connect(connected, &one.any, sizeof(one.six)));
  tst_ready();
  TST_SPOIL tst_sys(connect(connected, &two.any, sizeof(two.six)));
  tst_sys(send(connected, "hello", 5, 0));
  tst_check(recv(bound, text, 16, MSG_DONTWAIT) == 5 && !memcmp(text, "hello", 5), "the datagram is lost");
  tst_sys(sendto(bound, "back", 4, 0, &two.any, sizeof(two.six)));
  tst_check(recv(connected, text, 16, 0) == 4, "the answer is lost");
  return tst_pass();
}
