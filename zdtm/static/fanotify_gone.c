// zdtm: {"category": "epoll-fsnotify", "needs": ["root"], "except": {"fd 4 info": "a deleted file comes back as a new one"}, "verifies": "a fanotify mark on a deleted file that is open tells of events afterwards"}
#include "tst.h"

#include <sys/fanotify.h>

int main(void) {
  tst_begin();
  int file = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  int group = fanotify_init(FAN_NONBLOCK, O_RDONLY);
  if (group < 0) tst_skip("no fanotify here");
  tst_check(file == 3 && group == 4, "descriptors %d and %d", file, group);
  tst_sys(fanotify_mark(group, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "file"));
  tst_sys(unlink("file"));
  tst_ready();
  struct fanotify_event_metadata event;
  tst_check(read(group, &event, sizeof(event)) < 0 && errno == EAGAIN, "there is an event that nobody caused");
  bool is_spoilt = false;
  TST_SPOIL is_spoilt = true;
  if (!is_spoilt) tst_sys(write(file, "x", 1));
  tst_sys(read(group, &event, sizeof(event)));
  tst_check(event.mask == FAN_MODIFY && event.pid == getpid(), "the event is %lx", (long)event.mask);
  struct stat ours, told;
  tst_sys(fstat(file, &ours));
  tst_sys(fstat(event.fd, &told));
  tst_check(ours.st_ino == told.st_ino, "the event is about another file");
  return tst_pass();
}
