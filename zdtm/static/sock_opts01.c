// zdtm: {"category": "sockets-other", "verifies": "sockets stay tied to their network interface", "needs": ["root"]}
#include "inet.h"

static const int kinds[][2] = {{AF_INET, SOCK_DGRAM}, {AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_DGRAM}};

int main(void) {
  tst_begin();
  int fds[3];
  for (int i = 0; i < 3; i++) {
    fds[i] = tst_sys(socket(kinds[i][0], kinds[i][1], 0));
    tst_sys(setsockopt(fds[i], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  }
  tst_ready();
  TST_SPOIL tst_sys(setsockopt(fds[2], SOL_SOCKET, SO_BINDTODEVICE, "", 0));
  for (int i = 0; i < 3; i++) {
    char name[16] = "";
    socklen_t length = sizeof(name);
    tst_sys(getsockopt(fds[i], SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    tst_check(!strcmp(name, "lo"), "socket %d is tied to '%s'", i, name);
  }
  return tst_pass();
}
