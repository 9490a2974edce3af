// zdtm: {"category": "tcp", "verifies": "a connection with the place of urgent data in its queue, which was taken, is refused, and goes on", "opts": ["--tcp-established"], "refused": "urgent data"}
#include "tcp.h"

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  char byte = 0;
  tcp_send(pair.client, "before");
  tst_sys(send(pair.client, "!", 1, MSG_OOB));
  tcp_send(pair.client, "behind");
  tcp_acknowledged(pair.client);
  tst_sys(recv(pair.server, &byte, 1, MSG_OOB));
  tst_ready();
  TST_SPOIL inet_set(pair.server, SOL_SOCKET, SO_OOBINLINE, 1);
  tst_check(inet_option(pair.server, SOL_SOCKET, SO_OOBINLINE) == 0, "urgent data comes in line");
  tst_check(recv(pair.server, &byte, 1, MSG_OOB) == -1, "the urgent byte is there again");
  tcp_expect(pair.server, "before");
  tcp_expect(pair.server, "behind");
  tcp_send(pair.client, "more");
  tcp_expect(pair.server, "more");
  return tst_pass();
}
