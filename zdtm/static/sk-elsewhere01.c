// zdtm: {"category": "netns", "verifies": "sockets in another network namespace, in which a process outside of the tree lives, come back in it", "needs": ["net"], "flavours": ["h"]}
#include "elsewhere.h"

int main(void) {
  tst_begin();
  inet_name name = inet_loopback(AF_INET6);
  name.six.sin6_port = htons(7071);
  int home = elsewhere_of(getpid()), away = elsewhere_of(elsewhere_holder(true));
  elsewhere_enter(away);
  int listener = tst_sys(socket(AF_INET6, SOCK_STREAM, 0)), hears = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0)),
      sends = tst_sys(socket(AF_INET6, SOCK_DGRAM, 0));
  tst_sys(bind(listener, &name.any, sizeof(name.six)));
  tst_sys(listen(listener, 1));
  tst_sys(bind(hears, &name.any, sizeof(name.six)));
  tst_sys(connect(sends, &name.any, sizeof(name.six)));
  elsewhere_enter(home);
  ino_t inode = elsewhere_inode(away);
  close(away);
  close(home);
  tst_ready();
  TST_SPOIL {
    close(sends);
    tst_check(socket(AF_INET6, SOCK_DGRAM, 0) == sends, "another number");
    tst_sys(connect(sends, &name.any, sizeof(name.six)));
  }
  tst_check(elsewhere_is(listener) == inode && elsewhere_is(hears) == inode && elsewhere_is(sends) == inode,
            "a socket is in another namespace");
  char text[8];
  tst_sys(send(sends, "away", 4, 0));
  tst_check(recv(hears, text, sizeof(text), MSG_DONTWAIT) == 4, "nobody hears it");
  return tst_pass();
}
