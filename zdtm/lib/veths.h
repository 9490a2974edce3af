/* A pair of interfaces with one end in a network namespace of the tree's own, in which the case lives from then on. */
#ifndef VETHS_H
#define VETHS_H
#include "netns.h"

/* Leaves for a namespace of its own and takes `inner`, an interface of the one before, along; `ours` is done there. */
static inline void veths_leave(const char *ours) {
  int home = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  netns_leave();
  int own = tst_sys(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  tst_sys(setns(home, CLONE_NEWNET));
  char command[64];
  tst_step *there = tst_new_step();
  pid_t child = tst_sys(fork());
  if (child == 0) {
    tst_sys(setns(own, CLONE_NEWNET));
    tst_set(there, 1);
    tst_sleep();
  }
  snprintf(command, sizeof(command), "ip link set inner netns %d", child);
  tst_await(there, 1);
  netns_do(command);
  tst_sys(setns(own, CLONE_NEWNET));
  tst_end(child);
  munmap(there, tst_page());
  close(own);
  close(home);
  netns_do(ours);
}

/* Is there a way out, to 10.8.0.1? Nobody listens there: but somebody says so. */
static inline void veths_check(void) {
  int fd = tst_sys(socket(AF_INET, SOCK_STREAM, 0));
  inet_name to = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a080001), .sin_port = htons(9)}};
  tst_until(connect(fd, &to.any, sizeof(to.four)) == -1 && errno == ECONNREFUSED, "the outside does not answer: %s", strerror(errno));
  close(fd);
}
#endif
