// zdtm: {"category": "sockets-inet", "verifies": "a corked UDP socket without data stays corked"}
#include "inet.h"

#include <netinet/udp.h>

int main(void) {
  tst_begin();
  static const int families[] = {AF_INET, AF_INET6};
  inet_name name[2];
  int hears[2], holds[2];
  for (int i = 0; i < 2; i++) {
    hears[i] = inet_bound(families[i], SOCK_DGRAM, &name[i]);
    holds[i] = tst_sys(socket(families[i], SOCK_DGRAM, 0));
    tst_sys(connect(holds[i], &name[i].any, inet_length(families[i])));
    inet_set(holds[i], SOL_UDP, UDP_CORK, 1);
  }
  tst_ready();
  TST_SPOIL inet_set(holds[1], SOL_UDP, UDP_CORK, 0);
  for (int i = 0; i < 2; i++) {
    char text[16] = "";
    tst_sys(send(holds[i], "first ", 6, 0));
    tst_check(recv(hears[i], text, 16, MSG_DONTWAIT) == -1, "family %d: the cork is gone", families[i]);
    tst_sys(send(holds[i], "second", 6, 0));
    inet_set(holds[i], SOL_UDP, UDP_CORK, 0);
    tst_check(recv(hears[i], text, 16, MSG_DONTWAIT) == 12, "family %d: it does not come whole", families[i]);
  }
  return tst_pass();
}
