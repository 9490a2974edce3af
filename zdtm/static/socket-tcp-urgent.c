// zdtm: {"category": "tcp", "verifies": "a connection with urgent data in its queue is refused, and goes on", "opts": ["--tcp-established"], "refused": "urgent data"}
#include "tcp.h"

int main(void) {
  tst_begin();
  tcp_pair waits = tcp_connect(TCP_FOUR), taken = tcp_connect(TCP_FOUR);
  int clients[] = {waits.client, taken.client};
  char byte = 0;
  for (int i = 0; i < 2; i++) {
    tcp_send(clients[i], "before");
    tst_sys(send(clients[i], "!", 1, MSG_OOB));
    tcp_send(clients[i], "behind");
    tcp_acknowledged(clients[i]);
  }
  tst_sys(recv(taken.server, &byte, 1, MSG_OOB));
  tst_ready();
  TST_SPOIL tst_sys(recv(waits.server, &byte, 1, MSG_OOB));
  tst_check(recv(waits.server, &byte, 1, MSG_OOB) == 1 && byte == '!', "the urgent byte is gone");
  tst_check(recv(taken.server, &byte, 1, MSG_OOB) == -1, "the urgent byte is there again");
  tcp_expect(waits.server, "before");
  tcp_expect(waits.server, "behind");
  tcp_expect(taken.server, "before");
  tcp_expect(taken.server, "behind");
  return tst_pass();
}
