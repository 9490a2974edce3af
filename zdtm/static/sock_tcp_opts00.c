// zdtm: {"category": "tcp", "verifies": "options of TCP stay set on fresh, bound, listening and connected sockets, and who controls congestion", "opts": ["--tcp-established"]}
#include "tcp_options.h"

int main(void) {
  tst_begin();
  int fds[TCP_SOCKETS], deferred;
  sockopt table[COUNT(tcp_every)];
  memcpy(table, tcp_every, sizeof(table));
  tcp_sockets(fds);
  for (int i = 0; i < TCP_SOCKETS; i++) sockopts_set(fds[i], tcp_every, COUNT(tcp_every)), tcp_control(fds[i], "reno");
  sockopts_set(fds[2], tcp_listening, COUNT(tcp_listening));
  inet_set(fds[2], IPPROTO_TCP, TCP_DEFER_ACCEPT, 20);
  deferred = inet_option(fds[2], IPPROTO_TCP, TCP_DEFER_ACCEPT);
  tst_ready();
  TST_SPOIL inet_set(fds[4], IPPROTO_TCP, TCP_KEEPCNT, 5);
  for (int i = 0; i < TCP_SOCKETS; i++) {
    char who[32];
    snprintf(who, sizeof(who), "socket %d", i);
    sockopts_check(fds[i], who, tcp_every, COUNT(tcp_every));
    tcp_is_controlled(fds[i], "reno");
  }
  sockopts_check(fds[2], "the listener", tcp_listening, COUNT(tcp_listening));
  tst_check(inet_option(fds[2], IPPROTO_TCP, TCP_DEFER_ACCEPT) == deferred, "accepting is deferred differently");
  return tst_pass();
}
