// zdtm: {"category": "tcp", "verifies": "restore --tcp-close closes both ends of a connection in the tree, and the listener serves on", "dumpOpts": ["--tcp-established"], "restoreOpts": ["--tcp-close"]}
#include "tcp.h"

int main(void) {
  tst_begin();
  inet_name to;
  int listener = tcp_bound(TCP_FOUR, &to);
  tst_sys(listen(listener, 8));
  int client = tcp_call(&to), server = tst_sys(accept(listener, NULL, NULL));
  tcp_send(client, "unread");
  tst_ready();
  TST_SPOIL to.four.sin_port = htons(1);
  if (tst_ends()) {
    tcp_is(client, TCP_CLOSE);
    tcp_is(server, TCP_CLOSE);
    tcp_expect_end(client);
    tcp_expect_end(server);
  } else tcp_expect(server, "unread");
  inet_serves(listener, &to);
  return tst_pass();
}
