// zdtm: {"category": "tcp", "verifies": "with --skip-in-flight connections that nobody has accepted are dropped; those that were, and the listener, stay", "opts": ["--tcp-established", "--skip-in-flight"]}
#include "tcp.h"

int main(void) {
  tst_begin();
  inet_name to;
  int listener = tcp_bound(TCP_FOUR, &to);
  tst_sys(listen(listener, 8));
  int client = tcp_call(&to), server = tst_sys(accept(listener, NULL, NULL)), waiting = tcp_call(&to);
  tcp_send(waiting, "waits");
  tst_ready();
  TST_SPOIL to.four.sin_port = htons(1);
  tst_sys(fcntl(listener, F_SETFL, O_NONBLOCK));
  int pending = accept(listener, NULL, NULL);
  if (tst_ends()) tst_check(pending == -1 && errno == EAGAIN, "somebody waits");
  else tcp_expect(pending, "waits");
  tst_sys(fcntl(listener, F_SETFL, 0));
  tcp_send(client, "hello");
  tcp_expect(server, "hello");
  inet_serves(listener, &to);
  return tst_pass();
}
