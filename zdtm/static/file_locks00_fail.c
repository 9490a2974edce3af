// zdtm: {"category": "locks", "refused": "--file-locks", "verifies": "a task with locks is refused without --file-locks, and keeps them"}
#include "locks.h"

static tst_step *step;

static int asker(void *fd) {
  struct flock found;
  tst_await(step, 1);
  tst_check(lock_ask(*(int *)fd, F_GETLK, F_WRLCK, 0, 0, &found) == F_WRLCK, "the lock is gone");
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  struct flock mine = lock_range(F_WRLCK, 10, 10);
  tst_sys(fcntl(fd, F_SETLK, &mine));
  pid_t pid = tst_child(asker, &fd);
  tst_ready();
  TST_SPOIL {
    mine.l_type = F_UNLCK;
    tst_sys(fcntl(fd, F_SETLK, &mine));
  }
  tst_set(step, 1);
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the lock is gone");
  return tst_pass();
}
