/* A pidfd of a process that is gone: pid, and the inode by which the kernel knows it. */
#ifndef GONE_H
#define GONE_H
#include "tst.h"

#include <sys/pidfd.h>

static int gone_at_once(void *unused) {
  (void)unused;
  return 0;
}

static inline int gone_pidfd(void) {
  pid_t pid = tst_child(gone_at_once, NULL);
  int fd = tst_sys(pidfd_open(pid, 0));
  tst_reap(pid);
  return fd;
}

static inline ino_t gone_inode(int fd) {
  struct stat it;
  tst_sys(fstat(fd, &it));
  return it.st_ino;
}

static inline void gone_check(int fd) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  char *text = tst_slurp(path, NULL);
  tst_check(text && strstr(text, "\nPid:\t-1\n"), "the pidfd %d is not of a process that is gone: %s", fd, text);
  free(text);
  tst_check(pidfd_send_signal(fd, 0, NULL, 0) == -1 && errno == ESRCH, "the pidfd %d signals somebody", fd);
}

#endif
