// zdtm: {"category": "epoll-fsnotify", "except": {"fd 5 info": "a deleted file comes back as a new one"}, "opts": ["--link-remap"], "verifies": "watches on a directory, a file and a deleted file tell of events afterwards"}
#include "watch.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  int file = tst_sys(open("file", O_RDWR | O_CREAT, 0644)), gone = tst_sys(open("gone", O_RDWR | O_CREAT, 0644));
  int fd = tst_sys(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  int on_dir = tst_sys(inotify_add_watch(fd, "dir", IN_CREATE | IN_DELETE));
  int on_file = tst_sys(inotify_add_watch(fd, "file", IN_MODIFY));
  int on_gone = tst_sys(inotify_add_watch(fd, "gone", IN_MODIFY));
  tst_sys(unlink("gone"));
  watch_expect_none(fd);
  tst_ready();
  watch_expect_none(fd);
  TST_SPOIL tst_sys(inotify_rm_watch(fd, on_file));
  close(tst_sys(open("dir/new", O_CREAT | O_WRONLY, 0644)));
  watch_expect(fd, on_dir, IN_CREATE, "new");
  tst_sys(write(file, "x", 1));
  watch_expect(fd, on_file, IN_MODIFY, NULL);
  tst_sys(write(gone, "x", 1));
  watch_expect(fd, on_gone, IN_MODIFY, NULL);
  tst_sys(unlink("dir/new"));
  watch_expect(fd, on_dir, IN_DELETE, "new");
  tst_check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
  return tst_pass();
}
