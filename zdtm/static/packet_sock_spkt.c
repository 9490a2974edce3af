// zdtm: {"category": "sockets-other", "verifies": "packet sockets of the old kind stay bound to their interface, or unbound, and hear", "needs": ["net"]}
#include "packets.h"

static void name_is(int fd, const char *wanted) {
  struct sockaddr is = {0};
  socklen_t length = sizeof(is);
  tst_sys(getsockname(fd, &is, &length));
  tst_check(!strncmp(is.sa_data, wanted, sizeof(is.sa_data)), "it is bound to '%.14s', not to '%s'", is.sa_data, wanted);
}

int main(void) {
  tst_begin();
  struct sockaddr lo = {.sa_family = AF_PACKET, .sa_data = "lo"};
  int bound = tst_sys(socket(AF_PACKET, SOCK_PACKET, htons(ETHERTYPE))),
      anywhere = tst_sys(socket(AF_PACKET, SOCK_PACKET, htons(ETHERTYPE + 1)));
  tst_sys(bind(bound, &lo, sizeof(lo)));
  tst_ready();
  TST_SPOIL {
    close(bound);
    tst_check(socket(AF_PACKET, SOCK_PACKET, htons(ETHERTYPE)) == bound, "another number");
  }
  name_is(bound, "lo");
  name_is(anywhere, "");
  char text[64];
  link_send(ETHERTYPE, "old");
  tst_until(recv(bound, text, sizeof(text), MSG_DONTWAIT) == 14 + 3, "the bound one hears nothing");
  tst_check(recv(anywhere, text, sizeof(text), MSG_DONTWAIT) == -1, "the other hears of another protocol");
  link_send(ETHERTYPE + 1, "older");
  tst_until(recv(anywhere, text, sizeof(text), MSG_DONTWAIT) == 14 + 5, "the unbound one hears nothing");
  return tst_pass();
}
