// zdtm: {"category": "sockets-unix", "verifies": "datagrams in a queue keep their order and their bounds, those of no length too"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  static const size_t sizes[] = {1, 0, 4096, 3, 60000, 0, 17, 1};
  static char out[60000], in[70000];
  int pair[2];
  tst_sys(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  for (uint32_t i = 0; i < 8; i++) {
    tst_fill(out, sizeof(out), i);
    tst_sys(send(pair[0], out, sizes[i], 0));
  }
  tst_ready();
  TST_SPOIL tst_sys(recv(pair[1], in, sizeof(in), 0));
  for (uint32_t i = 0; i < 8; i++) {
    tst_check(recv(pair[1], in, sizeof(in), MSG_DONTWAIT) == (ssize_t)sizes[i], "datagram %u has another length", i);
    tst_check(tst_differs(in, sizes[i], i) == -1, "datagram %u has other bytes", i);
  }
  tst_check(recv(pair[1], in, sizeof(in), MSG_DONTWAIT) == -1 && errno == EAGAIN, "there is one more");
  return tst_pass();
}
