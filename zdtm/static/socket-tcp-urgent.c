// zdtm: {"category": "tcp", "verifies": "a connection with urgent data in its queue is refused, and goes on", "opts": ["--tcp-established"], "refused": "urgent data"}
#include "tcp.h"

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  char byte = 0;
  tcp_send(pair.client, "before");
  tst_sys(send(pair.client, "!", 1, MSG_OOB));
  tcp_send(pair.client, "behind");
  tcp_acknowledged(pair.client);
  tst_ready();
  TST_SPOIL tst_sys(recv(pair.server, &byte, 1, MSG_OOB));
  tst_check(recv(pair.server, &byte, 1, MSG_OOB) == 1 && byte == '!', "the urgent byte is gone");
  tcp_expect(pair.server, "before");
  tcp_expect(pair.server, "behind");
  return tst_pass();
}
