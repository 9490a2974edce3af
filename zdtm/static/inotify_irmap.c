// zdtm: {"category": "epoll-fsnotify", "dumpOpts": ["--force-irmap"], "verifies": "files that are watched are found by looking for them where the tree works, those with other names and in other directories too"}
#include "watch.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  tst_sys(mkdir("below", 0755));
  tst_sys(mkdir("below/deep", 0755));
  close(tst_sys(open("below/deep/file", O_WRONLY | O_CREAT, 0644)));
  close(tst_sys(open("first", O_WRONLY | O_CREAT, 0644)));
  int on_dir = tst_sys(inotify_add_watch(fd, "below/deep", IN_CREATE));
  int on_file = tst_sys(inotify_add_watch(fd, "below/deep/file", IN_MODIFY));
  int on_renamed = tst_sys(inotify_add_watch(fd, "first", IN_MODIFY));
  tst_sys(rename("first", "below/second"));
  tst_ready();
  TST_SPOIL tst_sys(inotify_rm_watch(fd, on_file));
  close(tst_sys(open("below/deep/new", O_WRONLY | O_CREAT, 0644)));
  tst_sys(truncate("below/deep/file", 5));
  tst_sys(truncate("below/second", 5));
  watch_expect(fd, on_dir, IN_CREATE, "new");
  watch_expect(fd, on_file, IN_MODIFY, NULL);
  watch_expect(fd, on_renamed, IN_MODIFY, NULL);
  watch_expect_none(fd);
  return tst_pass();
}
