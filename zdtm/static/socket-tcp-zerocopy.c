// zdtm: {"category": "tcp", "verifies": "a connection on which something was sent without copying is refused before anything is touched, and goes on counting", "needs": ["root", "file:/sys/kernel/btf/vmlinux"], "opts": ["--tcp-established"], "refused": "has sent without copying"}
#include "tcp.h"

#include <linux/errqueue.h>

/* Number of the last send that is told to be done; waits for it. */
static unsigned done(int fd) {
  for (;;) {
    char room[256];
    struct msghdr head = {.msg_control = room, .msg_controllen = sizeof(room)};
    if (recvmsg(fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
      tst_nap();
      continue;
    }
    struct sock_extended_err *error = (void *)CMSG_DATA(CMSG_FIRSTHDR(&head));
    return error->ee_data;
  }
}

int main(void) {
  tst_begin();
  tcp_pair pair = tcp_connect(TCP_FOUR);
  char text[4096] = {0};
  inet_set(pair.client, SOL_SOCKET, SO_ZEROCOPY, 1);
  tst_sys(send(pair.client, text, sizeof(text), MSG_ZEROCOPY));
  tst_check(recv(pair.server, text, sizeof(text), MSG_WAITALL) == sizeof(text), "nothing comes");
  tst_check(done(pair.client) == 0, "it does not count from 0");
  tst_ready();
  TST_SPOIL tst_sys(send(pair.client, text, sizeof(text), MSG_ZEROCOPY)), done(pair.client);
  tst_sys(send(pair.client, text, sizeof(text), MSG_ZEROCOPY));
  unsigned last = done(pair.client);
  tst_check(last == 1, "it counts %u", last);
  return tst_pass();
}
