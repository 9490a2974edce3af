// zdtm: {"category": "epoll-fsnotify", "verifies": "watches keep their numbers where others were removed, their masks, and a new watch gets none of these"}
#include "watch.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(inotify_init1(IN_NONBLOCK)), kept[10], count = 0;
  char name[32];
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof(name), "f%d", i);
    close(tst_sys(open(name, O_CREAT | O_WRONLY, 0644)));
    int wd = tst_sys(inotify_add_watch(fd, name, i % 20 == 7 ? IN_ATTRIB | IN_ONESHOT : IN_ATTRIB));
    if (i % 10 == 7) kept[count++] = wd;
    else tst_sys(inotify_rm_watch(fd, wd));
  }
  char drained[4096];
  while (read(fd, drained, sizeof(drained)) > 0) continue; /* IN_IGNORED of each removed watch */
  tst_ready();
  TST_SPOIL tst_sys(inotify_rm_watch(fd, kept[6]));
  close(tst_sys(open("fresh", O_CREAT | O_WRONLY, 0644)));
  int fresh = tst_sys(inotify_add_watch(fd, "fresh", IN_ATTRIB));
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof(name), "f%d", 10 * i + 7);
    tst_check(fresh != kept[i], "the new watch has the number of an old one");
    tst_sys(chmod(name, 0600));
    watch_expect(fd, kept[i], IN_ATTRIB, NULL);
    if (i % 2 == 0) watch_expect(fd, kept[i], IN_IGNORED, NULL);
  }
  watch_expect_none(fd);
  return tst_pass();
}
