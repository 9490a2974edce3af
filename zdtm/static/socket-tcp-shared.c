// zdtm: {"flavours": ["h"], "category": "tcp", "verifies": "a connection that somebody outside of the tree has open as well is not taken from them", "dumpOpts": ["--tcp-established"], "refused": "outside of the tree, and would fail there"}
#include "tcp.h"

static int shared;

static void keeps(int unused) {
  (void)unused;
  tcp_stands();
  tcp_send(shared, "from outside");
}

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  tcp_outsider one;
  shared = pair.client;
  one.pid = tcp_fork_outsider(pair.client, keeps, false, &one.step);
  tcp_await(&one);
  tst_ready();
  TST_SPOIL tcp_send(pair.client, "x");
  tcp_tell(&one);
  tcp_expect(pair.server, "from outside");
  tcp_send(pair.server, "heard");
  tcp_expect(pair.client, "heard");
  return tst_pass();
}
