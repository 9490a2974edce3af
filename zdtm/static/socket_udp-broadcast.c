// zdtm: {"category": "sockets-inet", "verifies": "who may send to all stays so, and others may not; what is sent arrives", "needs": ["net"]}
#include "inet.h"

int main(void) {
  tst_begin();
  inet_name name = {0}, all = {0};
  socklen_t length = sizeof(name);
  char text[8];
  int hears = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)), may = tst_sys(socket(AF_INET, SOCK_DGRAM, 0)),
      not = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
  name.any.sa_family = all.any.sa_family = AF_INET;
  tst_sys(bind(hears, &name.any, sizeof(name.four)));
  tst_sys(getsockname(hears, &name.any, &length));
  all.four.sin_port = name.four.sin_port;
  all.four.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  tst_sys(setsockopt(may, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  tst_sys(setsockopt(not, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  inet_set(may, SOL_SOCKET, SO_BROADCAST, 1);
  tst_ready();
  TST_SPOIL inet_set(may, SOL_SOCKET, SO_BROADCAST, 0);
  tst_check(inet_option(may, SOL_SOCKET, SO_BROADCAST) == 1, "it may not any more");
  tst_check(sendto(not, "no", 2, 0, &all.any, sizeof(all.four)) == -1 && errno == EACCES, "everybody may");
  tst_sys(sendto(may, "all", 3, 0, &all.any, sizeof(all.four)));
  tst_check(recv(hears, text, 8, MSG_DONTWAIT) == 3 && !memcmp(text, "all", 3), "nobody hears it");
  return tst_pass();
}
