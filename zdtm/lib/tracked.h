/* A connection to another socket of the case, through a packet filter that lets pass only what it has tracked from the beginning. */
#ifndef TRACKED_H
#define TRACKED_H
#include "tcp.h"

static inline int tcp_tracked(const char *track, const char *rules, const char *spoil) {
  tst_begin();
  if (system(track)) tst_skip("the packet filter tracks nothing");
  tcp_pair pair = tcp_connect(TCP_FOUR);
  tcp_send(pair.client, "queued");
  if (system(rules)) tst_fail("the packet filter takes no such rules");
  tcp_send(pair.server, "tracked");
  tcp_expect(pair.client, "tracked");
  tst_ready();
  TST_SPOIL if (system(spoil)) tst_fail("nothing is spoiled");
  tcp_expect(pair.server, "queued");
  for (int i = 0; i < 2; i++) {
    int from = i ? pair.client : pair.server, to = i ? pair.server : pair.client;
    struct pollfd heard = {to, POLLIN, 0};
    tcp_send(from, "after");
    tst_check(poll(&heard, 1, 1500) == 1, "the filter lets nothing pass any more");
    tcp_expect(to, "after");
  }
  inet_name name;
  socklen_t length = sizeof(name);
  tst_sys(getsockname(pair.listener, &name.any, &length));
  int stranger = tst_sys(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  connect(stranger, &name.any, sizeof(name.four));
  tcp_is(stranger, TCP_SYN_SENT);
  return tst_pass();
}

#endif
