// zdtm: {"category": "epoll-fsnotify", "verifies": "a watch on a symbolic link itself and one on its target go on by their numbers"}
#include "watch.h"

int main(void) {
  tst_begin();
  close(tst_sys(open("file", O_CREAT | O_WRONLY, 0644)));
  tst_sys(symlink("file", "link"));
  int fd = tst_sys(inotify_init1(IN_NONBLOCK));
  int on_link = tst_sys(inotify_add_watch(fd, "link", IN_ATTRIB | IN_DONT_FOLLOW));
  int on_file = tst_sys(inotify_add_watch(fd, "link", IN_ATTRIB));
  tst_check(on_link != on_file, "both are one watch");
  tst_ready();
  TST_SPOIL tst_sys(inotify_rm_watch(fd, on_link));
  tst_sys(lchown("link", getuid(), getgid()));
  watch_expect(fd, on_link, IN_ATTRIB, NULL);
  tst_sys(chmod("link", 0600));
  watch_expect(fd, on_file, IN_ATTRIB, NULL);
  watch_expect_none(fd);
  return tst_pass();
}
