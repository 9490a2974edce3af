// zdtm: {"category": "sockets-inet", "verifies": "sockets that share a port keep their places: what comes from an address comes to the same one as before", "needs": ["net"], "flavours": ["h"]}
#include "inet.h"

enum { SOCKETS = 4, SENDERS = 24 };

/* Which of the sockets got the one datagram that waits. */
static int heard_by(const int *fds) {
  char text[8];
  for (int i = 0; i < SOCKETS; i++)
    if (recv(fds[i], text, sizeof(text), MSG_DONTWAIT) > 0) return i;
  return -1;
}

int main(void) {
  tst_begin();
  static const int order[SOCKETS] = {3, 1, 0, 2};
  int fds[SOCKETS], sends[SENDERS], was[SENDERS];
  inet_name name = inet_loopback(AF_INET), sender;
  socklen_t length = sizeof(name);
  for (int i = 0; i < SOCKETS; i++) {
    fds[i] = tst_sys(socket(AF_INET, SOCK_DGRAM, 0));
    inet_set(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
  }
  for (int i = 0; i < SOCKETS; i++) {
    tst_sys(bind(fds[order[i]], &name.any, sizeof(name.four)));
    tst_sys(getsockname(fds[order[i]], &name.any, &length));
  }
  for (int i = 0; i < SENDERS; i++) {
    sends[i] = inet_bound(AF_INET, SOCK_DGRAM, &sender);
    tst_sys(sendto(sends[i], "one", 3, 0, &name.any, sizeof(name.four)));
    was[i] = heard_by(fds);
  }
  tst_ready();
  TST_SPOIL for (int i = 0; i < SENDERS; i++) was[i] ^= 1;
  for (int i = 0; i < SENDERS; i++) {
    tst_sys(sendto(sends[i], "two", 3, 0, &name.any, sizeof(name.four)));
    int now = heard_by(fds);
    tst_check(now == was[i], "sender %d is heard by socket %d, not %d", i, now, was[i]);
  }
  return tst_pass();
}
