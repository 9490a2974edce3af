// zdtm: {"category": "tcp", "verifies": "the place of urgent data in a connection that was taken before its turn stays", "opts": ["--tcp-established"]}
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
  int place = -1;
  socklen_t length = sizeof(place);
  if (getsockopt(pair.server, SOL_SOCKET, SO_PEEK_OFF, &place, &length)) tst_skip("this kernel looks at no place of a TCP queue");
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
