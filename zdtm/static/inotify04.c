// zdtm: {"category": "epoll-fsnotify", "verifies": "neither dump nor restore makes an event that the task would see, whatever it watches"}
#include "watch.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(inotify_init1(IN_NONBLOCK)), file = tst_sys(open("kept", O_RDWR | O_CREAT, 0644));
  tst_sys(mkdir("dir", 0755));
  int dir = tst_sys(open("dir", O_RDONLY));
  int ghost = tst_sys(open("dir/ghost", O_RDWR | O_CREAT, 0644));
  tst_sys(unlink("dir/ghost"));
  /* The harness itself lists the directory. */
  uint32_t changes = IN_ALL_EVENTS & ~(unsigned)(IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE);
  int on_dir = tst_sys(inotify_add_watch(fd, "dir", changes));
  int on_file = tst_sys(inotify_add_watch(fd, "kept", IN_ALL_EVENTS));
  tst_ready();
  TST_SPOIL tst_sys(write(file, "!", 1));
  watch_expect_none(fd);
  close(tst_sys(open("dir/new", O_CREAT | O_WRONLY, 0644)));
  watch_expect(fd, on_dir, IN_CREATE, "new");
  watch_expect(fd, on_dir, IN_CLOSE_WRITE, "new");
  tst_sys(write(file, "x", 1));
  watch_expect(fd, on_file, IN_MODIFY, NULL);
  tst_check(fcntl(dir, F_GETFD) == 0 && fcntl(ghost, F_GETFD) == 0, "a descriptor is lost");
  return tst_pass();
}
