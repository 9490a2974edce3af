// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a flock on a description that parent and child share is one lock, which either can give up"}
#include "locks.h"

static tst_step *step;
static int fd;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_sys(flock(fd, LOCK_UN));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  tst_sys(flock(fd, LOCK_EX));
  tst_child(child, NULL);
  tst_ready();
  TST_SPOIL tst_sys(flock(fd, LOCK_SH));
  tst_check(lock_held("file", LOCK_SH), "the lock is gone");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(!lock_held("file", LOCK_EX), "the child gave up another lock");
  return tst_pass();
}
