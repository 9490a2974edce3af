// zdtm: {"category": "epoll-fsnotify", "verifies": "events that nobody has read are there, or the program is told that some were lost; then new ones come, and new watches get the next numbers"}
#include "watch.h"

/* What waits: each name's creation, or word of their loss. */
static void expect_told(int fd, int wd, const char *const *names, int count) {
  char bytes[4096];
  ssize_t have = tst_sys(read(fd, bytes, sizeof(bytes)));
  struct inotify_event *event = (struct inotify_event *)bytes;
  if (event->mask == IN_Q_OVERFLOW) {
    tst_check(event->wd == -1 && have == sizeof(*event), "%zd bytes tell of a loss, by watch %d", have, event->wd);
    return;
  }
  for (int i = 0; i < count; i++) {
    tst_check((char *)event < bytes + have && event->wd == wd, "event %d is not there", i);
    tst_check(event->mask == IN_CREATE && !strcmp(event->name, names[i]), "event %d is %x of %s", i, event->mask, event->name);
    event = (struct inotify_event *)((char *)(event + 1) + event->len);
  }
  tst_check((char *)event == bytes + have, "there is more");
}

int main(void) {
  static const char *const names[] = {"one", "two", "a name that is longer than the others"};
  char path[64];
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  tst_sys(mkdir("other", 0755));
  int fd = tst_sys(inotify_init1(IN_NONBLOCK)), quiet = tst_sys(inotify_init1(IN_NONBLOCK));
  int on_dir = tst_sys(inotify_add_watch(fd, "dir", IN_CREATE));
  int on_other = tst_sys(inotify_add_watch(quiet, "other", IN_CREATE));
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof(path), "dir/%s", names[i]);
    close(tst_sys(open(path, O_CREAT | O_WRONLY, 0644)));
  }
  tst_ready();
  TST_SPOIL tst_sys(read(fd, path, sizeof(path)));
  expect_told(fd, on_dir, names, 3);
  watch_expect_none(fd);
  watch_expect_none(quiet);
  int next = tst_sys(inotify_add_watch(fd, "other", IN_CREATE));
  tst_check(next == on_dir + 1, "the next watch is %d, not %d", next, on_dir + 1);
  close(tst_sys(open("dir/new", O_CREAT | O_WRONLY, 0644)));
  watch_expect(fd, on_dir, IN_CREATE, "new");
  close(tst_sys(open("other/new", O_CREAT | O_WRONLY, 0644)));
  watch_expect(fd, next, IN_CREATE, "new");
  watch_expect(quiet, on_other, IN_CREATE, "new");
  return tst_pass();
}
