// zdtm: {"category": "sockets-unix", "verifies": "a socket pair filled to the brim keeps every byte and its buffer sizes"}
#include "tst.h"

#include <sys/socket.h>

int main(void) {
  tst_begin();
  int pair[2], was[2], is[2], total = 0;
  socklen_t length = sizeof(int);
  static uint8_t bytes[4000];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  tst_sys(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){60000}, sizeof(int)));
  tst_sys(setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &(int){70000}, sizeof(int)));
  tst_sys(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &was[0], &length));
  tst_sys(getsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &was[1], &length));
  for (uint32_t n = 1;; n++) {
    tst_fill(bytes, sizeof(bytes), n);
    ssize_t put = write(pair[0], bytes, sizeof(bytes));
    if (put < 0) break;
    total += (int)put;
    if (put != sizeof(bytes)) break;
  }
  tst_ready();
  TST_SPOIL tst_sys(read(pair[1], bytes, 1));
  tst_sys(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &is[0], &length));
  tst_sys(getsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &is[1], &length));
  tst_check(is[0] == was[0] && is[1] == was[1], "the buffers are of %d and %d bytes, were %d and %d", is[0], is[1], was[0],
            was[1]);
  for (uint32_t n = 1; total > 0; n++) {
    int wanted = total < (int)sizeof(bytes) ? total : (int)sizeof(bytes), have = 0;
    while (have < wanted) have += (int)tst_sys(read(pair[1], bytes + have, (size_t)(wanted - have)));
    tst_check(tst_differs(bytes, (size_t)wanted, n) < 0, "block %u is wrong", n);
    total -= wanted;
  }
  tst_check(read(pair[1], bytes, 1) == -1 && errno == EAGAIN, "there is one byte more");
  return tst_pass();
}
