// zdtm: {"category": "sockets-inet", "verifies": "how long a socket lingers at its end stays: not set, no time, some time, switched off again"}
#include "inet.h"

static const struct linger was[] = {{0, 0}, {1, 0}, {1, 111}, {0, 0}};

int main(void) {
  tst_begin();
  int fds[4];
  for (int i = 0; i < 4; i++) {
    fds[i] = tst_sys(socket(i % 2 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
    if (i == 3) tst_sys(setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &was[2], sizeof(was[0])));
    if (i > 0) tst_sys(setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &was[i], sizeof(was[0])));
  }
  tst_ready();
  TST_SPOIL tst_sys(setsockopt(fds[2], SOL_SOCKET, SO_LINGER, &was[1], sizeof(was[0])));
  for (int i = 0; i < 4; i++) {
    struct linger is = {0};
    socklen_t length = sizeof(is);
    tst_sys(getsockopt(fds[i], SOL_SOCKET, SO_LINGER, &is, &length));
    tst_check(is.l_onoff == was[i].l_onoff && (!is.l_onoff || is.l_linger == was[i].l_linger),
              "socket %d lingers: %d, for %d s", i, is.l_onoff, is.l_linger);
  }
  return tst_pass();
}
