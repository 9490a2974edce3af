// zdtm: {"category": "epoll-fsnotify", "needs": ["root"], "verifies": "fanotify events that nobody has read are there, or the program is told that some were lost, once; then new ones come"}
#include "fanotify.h"

/* How many events wait, and whether their loss is told. */
static int waiting(int group, bool *lost) {
  static char bytes[65536] __attribute__((aligned(8)));
  int found = 0;
  *lost = false;
  for (ssize_t have; (have = read(group, bytes, sizeof(bytes))) > 0;) {
    for (struct fanotify_event_metadata *event = (void *)bytes; FAN_EVENT_OK(event, have);
         event = FAN_EVENT_NEXT(event, have)) {
      found++;
      if (event->mask & FAN_Q_OVERFLOW) *lost = true;
      if (event->fd >= 0) close(event->fd);
    }
  }
  return found;
}

static int group_on(unsigned flags, const char *path) {
  int group = tst_sys(fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | flags, O_RDONLY));
  tst_sys(fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY, AT_FDCWD, path));
  return group;
}

int main(void) {
  tst_begin();
  bool lost;
  close(tst_sys(open("one", O_RDWR | O_CREAT, 0644)));
  close(tst_sys(open("other", O_RDWR | O_CREAT, 0644)));
  int plain = group_on(0, "one"), named = group_on(FAN_REPORT_FID, "one"), quiet = group_on(0, "other");
  fan_touch("one");
  tst_ready();
  TST_SPOIL waiting(plain, &lost);
  int found = waiting(plain, &lost);
  tst_check(found == 1, "%d events wait, lost %d", found, lost);
  found = waiting(named, &lost);
  tst_check(lost ? found == 1 : found >= 1, "%d events wait by handles, lost %d", found, lost);
  tst_check(waiting(quiet, &lost) == 0, "there are events of a file that nobody has touched");
  fan_touch("one");
  fan_touch("other");
  tst_check(waiting(plain, &lost) == 1 && !lost, "new events do not come");
  tst_check(waiting(named, &lost) >= 1 && !lost, "new events do not come by handles");
  tst_check(waiting(quiet, &lost) == 1 && !lost, "new events do not come to the quiet one");
  return tst_pass();
}
