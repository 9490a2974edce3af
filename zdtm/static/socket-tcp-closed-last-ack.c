// zdtm: {"category": "tcp", "verifies": "a connection within the tree that is over at one end, while the other one has not heard that its end arrived: both stay so, and are done when it hears", "opts": ["--tcp-established"], "spoils": true}
#include "tcp_states.h"

int main(void) {
  tst_begin();
  inet_name to;
  int listener = tcp_bound(TCP_FOUR, &to);
  tst_sys(listen(listener, 16));
  int done = tcp_call(&to), waits = tst_sys(accept(listener, NULL, NULL));
  tst_sys(shutdown(done, SHUT_WR));
  tcp_becomes(waits, TCP_CLOSE_WAIT);
  tcp_becomes(done, TCP_FIN_WAIT2);
  tcp_deafen(waits);
  tst_sys(shutdown(waits, SHUT_WR));
  tcp_becomes(done, TCP_CLOSE);
  tcp_is(waits, TCP_LAST_ACK);
  tst_ready();
  TST_SPOIL tcp_hear(waits);
  TST_SPOIL tcp_becomes(waits, TCP_CLOSE);
  tcp_is(waits, TCP_LAST_ACK);
  tcp_expect_end(waits);
  tcp_hear(waits);
  tcp_becomes(waits, TCP_CLOSE);
  tcp_expect_end(waits);
  tcp_stays_closed(done, &to);
  return tst_pass();
}
