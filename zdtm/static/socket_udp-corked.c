// zdtm: {"category": "sockets-inet", "verifies": "a corked UDP socket that holds data is refused, and sends it all when the cork goes", "refused": "corked UDP socket holds data"}
#include "inet.h"

#include <netinet/udp.h>

int main(void) {
  tst_begin();
  inet_name name;
  char text[16] = "";
  int hears = inet_bound(AF_INET, SOCK_DGRAM, &name), holds = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  tst_sys(connect(holds, &name.any, sizeof(name.four)));
  inet_set(holds, SOL_UDP, UDP_CORK, 1);
  tst_sys(send(holds, "half ", 5, 0));
  tst_ready();
  TST_SPOIL inet_set(holds, SOL_UDP, UDP_CORK, 0);
  tst_sys(send(holds, "and half", 8, 0));
  inet_set(holds, SOL_UDP, UDP_CORK, 0);
  tst_check(recv(hears, text, 16, MSG_DONTWAIT) == 13 && !memcmp(text, "half and half", 13), "it is not whole");
  return tst_pass();
}
