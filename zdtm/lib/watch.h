/* Reading inotify events one by one. */
#ifndef WATCH_H
#define WATCH_H
#include "tst.h"

#include <sys/inotify.h>

/* Takes the next event of a non-blocking inotify; it has to be this one. A name of NULL asks for none. */
static inline void watch_expect(int fd, int wd, uint32_t mask, const char *name) {
  static char bytes[65536];
  static ssize_t have, at;
  static int of = -1;
  if (of != fd || at >= have) {
    have = read(fd, bytes, sizeof(bytes));
    at = 0;
    of = fd;
    if (have < 0) tst_fail("watch %d: no event %x comes: %s", wd, mask, strerror(errno));
  }
  struct inotify_event *event = (struct inotify_event *)(bytes + at);
  at += (ssize_t)(sizeof(*event) + event->len);
  tst_check(event->wd == wd && event->mask == mask, "watch %d tells %x, not watch %d %x", event->wd, event->mask, wd, mask);
  tst_check(!name == !event->len && (!name || !strcmp(name, event->name)), "the event is about %s, not %s",
            event->len ? event->name : "nothing", name ? name : "nothing");
}

static inline void watch_expect_none(int fd) {
  struct {
    struct inotify_event event;
    char name[256];
  } more;
  ssize_t got = read(fd, &more, sizeof(more));
  tst_check(got < 0 && errno == EAGAIN, "there is an event: watch %d tells %x", more.event.wd, more.event.mask);
}

#endif
