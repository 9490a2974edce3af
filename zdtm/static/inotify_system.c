// zdtm: {"category": "epoll-fsnotify", "verifies": "watches on symbolic links themselves, one of them deleted while an O_PATH descriptor keeps it, tell of what happens to the links and of nothing else", "except": {"fd 4 info": "what is deleted is made anew, with another inode"}}
#include "watch.h"

#include <sys/syscall.h>

int main(void) {
  tst_begin();
  close(tst_sys(open("file", O_CREAT | O_WRONLY, 0644)));
  tst_sys(symlink("file", "kept"));
  tst_sys(symlink("file", "deleted"));
  int holder = tst_sys(open("deleted", O_PATH | O_NOFOLLOW));
  int fd = tst_sys(inotify_init1(IN_NONBLOCK));
  int on_kept = tst_sys(inotify_add_watch(fd, "kept", IN_ALL_EVENTS | IN_DONT_FOLLOW));
  int on_deleted = tst_sys(inotify_add_watch(fd, "deleted", IN_ALL_EVENTS | IN_DONT_FOLLOW));
  tst_sys(unlink("deleted"));
  watch_expect(fd, on_deleted, IN_ATTRIB, NULL);
  tst_ready();
  TST_SPOIL tst_sys(inotify_rm_watch(fd, on_kept));
  close(tst_sys(open("file", O_WRONLY)));
  watch_expect_none(fd);
  tst_sys(lchown("kept", getuid(), getgid()));
  watch_expect(fd, on_kept, IN_ATTRIB, NULL);
  tst_sys(rename("kept", "moved"));
  watch_expect(fd, on_kept, IN_MOVE_SELF, NULL);
  tst_sys(unlink("moved"));
  watch_expect(fd, on_kept, IN_ATTRIB, NULL);
  watch_expect(fd, on_kept, IN_DELETE_SELF, NULL);
  watch_expect(fd, on_kept, IN_IGNORED, NULL);
  close(holder);
  watch_expect(fd, on_deleted, IN_DELETE_SELF, NULL);
  watch_expect(fd, on_deleted, IN_IGNORED, NULL);
  return tst_pass();
}
