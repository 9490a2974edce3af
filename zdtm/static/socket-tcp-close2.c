// zdtm: {"category": "tcp", "verifies": "sockets whose connection is over stay as they are with --tcp-close, with what is unread", "opts": ["--tcp-close"]}
#include "tcp.h"

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  tcp_send(pair.client, "unread");
  tst_sys(shutdown(pair.client, SHUT_WR));
  tst_sys(shutdown(pair.server, SHUT_WR));
  tcp_becomes(pair.client, TCP_CLOSE);
  tcp_becomes(pair.server, TCP_CLOSE);
  tst_ready();
  TST_SPOIL tcp_expect(pair.server, "un");
  tcp_is(pair.client, TCP_CLOSE);
  tcp_is(pair.server, TCP_CLOSE);
  tcp_expect_end(pair.client);
  tcp_expect(pair.server, "unread");
  tcp_expect_end(pair.server);
  return tst_pass();
}
