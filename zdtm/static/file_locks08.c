// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a lock of an open file description that a child inherited is held by both"}
#include "locks.h"

static tst_step *step;
static int fd;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  struct flock lock = lock_range(F_UNLCK, 0, 0);
  tst_sys(fcntl(fd, F_OFD_SETLK, &lock));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  int other = tst_sys(open("file", O_RDWR | O_CLOEXEC));
  struct flock lock = lock_range(F_WRLCK, 100, 100), found;
  tst_sys(fcntl(fd, F_OFD_SETLK, &lock));
  tst_child(child, NULL);
  close(fd);
  tst_ready();
  TST_SPOIL tst_set(step, 1);
  TST_SPOIL tst_await(step, 2);
  tst_check(lock_ask(other, F_OFD_GETLK, F_WRLCK, 0, 0, &found) == F_WRLCK && found.l_start == 100, "the lock is gone");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(lock_ask(other, F_OFD_GETLK, F_WRLCK, 0, 0, &found) == F_UNLCK, "the child gave up another lock");
  return tst_pass();
}
