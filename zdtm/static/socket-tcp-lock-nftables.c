// zdtm: {"category": "tcp", "verifies": "the network lock keeps data that comes while nobody is there from being answered by a reset", "opts": ["--tcp-established"], "dumpOpts": ["--network-lock", "nftables"]}
#include "tcp.h"

static void sends_all_along(int fd) {
  close(tcp_stands_by);
  for (int i = 0; i < 40; i++) {
    tcp_send(fd, "tick ");
    usleep(10000);
  }
  tst_sys(shutdown(fd, SHUT_WR));
  tcp_expect(fd, "heard");
  tcp_expect_end(fd);
  tcp_right();
}

int main(void) {
  tst_begin();
  tcp_outsider one = tcp_meet(TCP_FOUR, sends_all_along);
  tcp_await(&one);
  tcp_expect(one.fd, "tick ");
  tst_ready();
  TST_SPOIL tcp_expect(one.fd, "tick");
  for (int i = 1; i < 40; i++) tcp_expect(one.fd, "tick ");
  tcp_expect_end(one.fd);
  tcp_send(one.fd, "heard");
  tst_sys(shutdown(one.fd, SHUT_WR));
  tcp_await_right(&one);
  return tst_pass();
}
