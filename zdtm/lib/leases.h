/* Leases that somebody is breaking. */
#ifndef LEASES_H
#define LEASES_H
#include "locks.h"

enum { LEASE_SIGNAL_OFFSET = 3 };
#define LEASE_SIGNAL (SIGRTMIN + LEASE_SIGNAL_OFFSET)

/* A file with a lease of this type, whose breaking is told by LEASE_SIGNAL. */
static inline int lease_take(const char *name, int flags, int type) {
  close(tst_sys(open(name, O_RDWR | O_CREAT, 0644)));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, LEASE_SIGNAL);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = tst_sys(open(name, flags));
  tst_sys(fcntl(fd, F_SETSIG, LEASE_SIGNAL));
  tst_sys(fcntl(fd, F_SETLEASE, type));
  return fd;
}

/* Whether an open that does not wait is refused. */
static inline bool lease_refuses(const char *name, int flags) {
  int fd = open(name, flags | O_NONBLOCK);
  if (fd >= 0) close(fd);
  else tst_check(errno == EWOULDBLOCK, "open: %s", strerror(errno));
  return fd < 0;
}

/* The descriptor that the signal of a broken lease names, -1 when there is no such signal. */
static inline int lease_told(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, LEASE_SIGNAL);
  siginfo_t info;
  struct timespec at_once = {0};
  return sigtimedwait(&set, &info, &at_once) == LEASE_SIGNAL ? info.si_fd : -1;
}

#endif
