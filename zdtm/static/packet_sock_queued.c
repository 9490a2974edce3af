// zdtm: {"category": "sockets-other", "verifies": "a packet socket without a ring that holds packets is refused before anything is touched, and keeps them", "needs": ["net"], "refused": "holds packets that were not read"}
#include "inet.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

int main(void) {
  tst_begin();
  inet_name name;
  char text[256];
  int hears = tst_sys(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP))), fd = inet_bound(AF_INET, SOCK_DGRAM, &name);
  tst_sys(sendto(fd, "one", 3, 0, &name.any, sizeof(name.four)));
  tst_check(recv(fd, text, 8, 0) == 3, "nothing comes");
  tst_ready();
  TST_SPOIL while (recv(hears, text, sizeof(text), MSG_DONTWAIT) > 0);
  tst_check(recv(hears, text, sizeof(text), MSG_DONTWAIT) == 31 && !memcmp(text + 28, "one", 3), "the packet is lost");
  return tst_pass();
}
