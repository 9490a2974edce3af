// zdtm: {"category": "tcp", "verifies": "options of TCP that nobody set, or that are off again, stay off on fresh, listening and connected sockets", "opts": ["--tcp-established"]}
#include "tcp_options.h"

int main(void) {
  tst_begin();
  int fds[TCP_SOCKETS];
  sockopt usual[TCP_SOCKETS][COUNT(tcp_every)];
  tcp_sockets(fds);
  for (int i = 0; i < TCP_SOCKETS; i++) {
    inet_set(fds[i], IPPROTO_TCP, TCP_CORK, 1);
    inet_set(fds[i], IPPROTO_TCP, TCP_CORK, 0);
    memcpy(usual[i], tcp_every, sizeof(usual[i]));
    sockopts_usual(fds[i], usual[i], COUNT(usual[i]));
    tcp_control(fds[i], "cubic");
  }
  tst_ready();
  TST_SPOIL inet_set(fds[3], IPPROTO_TCP, TCP_CORK, 1);
  for (int i = 0; i < TCP_SOCKETS; i++) {
    char who[32];
    snprintf(who, sizeof(who), "socket %d", i);
    sockopts_check(fds[i], who, usual[i], COUNT(usual[i]));
    tcp_is_controlled(fds[i], "cubic");
  }
  return tst_pass();
}
