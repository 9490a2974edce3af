// zdtm: {"category": "tcp", "verifies": "a connection to somebody outside of the tree passes data both ways", "opts": ["--tcp-established"]}
#include "tcp.h"

int main(void) {
  tst_begin();
  int fd = tcp_outsider(AF_INET, tcp_echo);
  tcp_send(fd, "before");
  tcp_expect(fd, "BEFORE");
  tst_ready();
  TST_SPOIL tcp_send(fd, "x");
  tcp_send(fd, "after");
  tcp_expect(fd, "AFTER");
  return tst_pass();
}
