// zdtm: {"category": "sockets-other", "notIn": {"uns": "SO_SNDBUFFORCE and SO_RCVBUFFORCE take CAP_NET_ADMIN of the first user namespace"}, "verifies": "buffer sizes and who has fixed them stay: both, one, none", "needs": ["root"]}
#include "sockopts.h"



int main(void) {
  tst_begin();
  int fds[4], was[4][2];
  for (int i = 0; i < 4; i++) {
    fds[i] = tst_sys(socket(i % 2 ? AF_INET : AF_UNIX, i < 2 ? SOCK_STREAM : SOCK_DGRAM, 0));
    if (i & 1) inet_set(fds[i], SOL_SOCKET, SO_SNDBUF, 30000 + i * 1000);
    if (i & 2) inet_set(fds[i], SOL_SOCKET, SO_RCVBUFFORCE, 50000 + i * 1000);
    /* the lock says who tunes, not who set: it can be put otherwise */
    if (setsockopt(fds[i], SOL_SOCKET, SO_BUF_LOCK, &i, sizeof(i))) tst_skip("no SO_BUF_LOCK");
    was[i][0] = inet_option(fds[i], SOL_SOCKET, SO_SNDBUF);
    was[i][1] = inet_option(fds[i], SOL_SOCKET, SO_RCVBUF);
  }
  tst_ready();
  TST_SPOIL inet_set(fds[0], SOL_SOCKET, SO_SNDBUF, was[0][0] / 2);
  for (int i = 0; i < 4; i++) {
    int lock = inet_option(fds[i], SOL_SOCKET, SO_BUF_LOCK), sends = inet_option(fds[i], SOL_SOCKET, SO_SNDBUF),
        receives = inet_option(fds[i], SOL_SOCKET, SO_RCVBUF);
    tst_check(lock == i, "socket %d has the lock %d", i, lock);
    tst_check(sends == was[i][0] && receives == was[i][1], "socket %d has buffers of %d and %d bytes, not %d and %d", i,
              sends, receives, was[i][0], was[i][1]);
  }
  return tst_pass();
}
