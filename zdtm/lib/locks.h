/* Asking for file locks without taking them: by a description or a process other than the asker's. */
#ifndef LOCKS_H
#define LOCKS_H
#include "tst.h"

#include <sys/file.h>

static inline struct flock lock_range(short type, off_t start, off_t length) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

/* What would stand in the way of such a lock: its type, and the range in *found; F_UNLCK when nothing. */
static inline int lock_ask(int fd, int command, short type, off_t start, off_t length, struct flock *found) {
  *found = lock_range(type, start, length);
  tst_sys(fcntl(fd, command, found));
  return found->l_type;
}

/* Whether flock would be refused on a new description of the file. */
static inline bool lock_held(const char *name, int kind) {
  int fd = tst_sys(open(name, O_RDWR));
  bool refused = flock(fd, kind | LOCK_NB) == -1;
  tst_check(!refused || errno == EWOULDBLOCK, "flock: %s", strerror(errno));
  close(fd);
  return refused;
}

#endif
