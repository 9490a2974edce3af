// zdtm: {"category": "netns", "verifies": "a socket in a network namespace that nothing else leads to is refused, and goes on", "needs": ["net"], "refused": "no file and no process outside of the tree leads to"}
#include "elsewhere.h"

int main(void) {
  tst_begin();
  inet_name name = inet_loopback(AF_INET);
  int home = elsewhere_of(getpid());
  tst_sys(unshare(CLONE_NEWNET));
  elsewhere_loopback();
  int fd = inet_bound(AF_INET, SOCK_DGRAM, &name);
  ino_t inode = elsewhere_is(fd);
  elsewhere_enter(home);
  close(home);
  tst_ready();
  TST_SPOIL {
    close(fd);
    tst_check(inet_bound(AF_INET, SOCK_DGRAM, &(inet_name){0}) == fd, "another number");
  }
  char text[8];
  tst_check(elsewhere_is(fd) == inode, "it is in another namespace");
  tst_sys(sendto(fd, "self", 4, 0, &name.any, sizeof(name.four)));
  tst_check(recv(fd, text, sizeof(text), MSG_DONTWAIT) == 4, "it does not hear itself");
  return tst_pass();
}
