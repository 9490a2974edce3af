// zdtm: {"category": "epoll-fsnotify", "verifies": "two thousand watches come back with their numbers"}
#include "watch.h"

enum { MANY = 2000 };

int main(void) {
  tst_begin();
  static int watches[MANY];
  char name[32];
  int fd = tst_sys(inotify_init1(IN_NONBLOCK));
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof(name), "f%d", i);
    close(tst_sys(open(name, O_CREAT | O_WRONLY, 0644)));
    watches[i] = tst_sys(inotify_add_watch(fd, name, IN_ATTRIB));
  }
  tst_ready();
  TST_SPOIL tst_sys(inotify_rm_watch(fd, watches[1000]));
  for (int i = 0; i < MANY; i += 250) {
    snprintf(name, sizeof(name), "f%d", i);
    tst_sys(chmod(name, 0600));
    watch_expect(fd, watches[i], IN_ATTRIB, NULL);
  }
  watch_expect_none(fd);
  return tst_pass();
}
