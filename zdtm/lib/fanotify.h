/* Reading fanotify events that come with descriptors. */
#ifndef FANOTIFY_H
#define FANOTIFY_H
#include "tst.h"

#include <sys/fanotify.h>

/* All events of a non-blocking group that this process caused on one file, or'ed together; others are thrown away. */
static inline uint64_t fan_events(int group, const char *path) {
  static char bytes[65536] __attribute__((aligned(8)));
  struct stat wanted, there;
  uint64_t found = 0;
  tst_sys(stat(path, &wanted));
  for (ssize_t have; (have = read(group, bytes, sizeof(bytes))) != -1 || errno != EAGAIN;) {
    if (have < 0) tst_die("read of fanotify events");
    for (struct fanotify_event_metadata *event = (void *)bytes; FAN_EVENT_OK(event, have);
         event = FAN_EVENT_NEXT(event, have)) {
      if (event->fd < 0) continue;
      tst_sys(fstat(event->fd, &there));
      close(event->fd);
      if (event->pid == getpid() && there.st_ino == wanted.st_ino && there.st_dev == wanted.st_dev) found |= event->mask;
    }
  }
  return found;
}

static inline void fan_touch(const char *path) {
  int fd = tst_sys(open(path, O_WRONLY));
  tst_sys(write(fd, "x", 1));
  close(fd);
}

#endif
