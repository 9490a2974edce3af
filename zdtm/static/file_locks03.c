// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a flock that a child inherited lasts though the parent has closed the file"}
#include "locks.h"

static int child(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  tst_sys(flock(fd, LOCK_EX));
  pid_t pid = tst_child(child, NULL);
  close(fd);
  tst_ready();
  TST_SPOIL {
    tst_end(pid);
    pid = tst_child(child, NULL);
  }
  tst_check(lock_held("file", LOCK_SH), "the lock is gone");
  tst_end(pid);
  tst_check(!lock_held("file", LOCK_EX), "the lock lasts without its holder");
  return tst_pass();
}
