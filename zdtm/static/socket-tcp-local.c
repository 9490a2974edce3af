// zdtm: {"category": "tcp", "verifies": "both ends of a connection come back, with what is queued between them", "opts": ["--tcp-established"]}
#include "tcp.h"

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(AF_INET, false);
  tcp_send(pair.client, "before");
  tcp_send(pair.server, "back");
  tst_ready();
  TST_SPOIL tcp_send(pair.client, "x"), tcp_expect(pair.server, "x");
  tcp_expect(pair.server, "before");
  tcp_send(pair.client, " and after");
  tcp_expect(pair.server, " and after");
  tcp_expect(pair.client, "back");
  tcp_send(pair.server, "more");
  tcp_expect(pair.client, "more");
  close(pair.client);
  tcp_expect_end(pair.server);
  return tst_pass();
}
