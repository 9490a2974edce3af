// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "POSIX locks of parent and child on ranges of one file come back with their kinds and owners"}
#include "locks.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  int fd = tst_sys(open("file", O_RDWR));
  struct flock read_lock = lock_range(F_RDLCK, 100, 50), write_lock = lock_range(F_WRLCK, 300, 0);
  tst_sys(fcntl(fd, F_SETLK, &read_lock));
  tst_sys(fcntl(fd, F_SETLK, &write_lock));
  tst_set(step, 1);
  tst_await(step, 2);
  struct flock found;
  tst_check(lock_ask(fd, F_GETLK, F_RDLCK, 0, 10, &found) == F_WRLCK && found.l_pid == getppid(), "the parent's lock: %d by %d",
            found.l_type, found.l_pid);
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  struct flock mine = lock_range(F_WRLCK, 0, 50), shared = lock_range(F_RDLCK, 90, 30), found;
  tst_sys(fcntl(fd, F_SETLK, &mine));
  tst_sys(fcntl(fd, F_SETLK, &shared));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL {
    mine.l_type = F_UNLCK;
    tst_sys(fcntl(fd, F_SETLK, &mine));
  }
  tst_check(lock_ask(fd, F_GETLK, F_WRLCK, 100, 10, &found) == F_RDLCK && found.l_pid == pid && found.l_start == 100 &&
                found.l_len == 50,
            "the child's first lock: %d by %d, %ld bytes at %ld", found.l_type, found.l_pid, (long)found.l_len,
            (long)found.l_start);
  tst_check(lock_ask(fd, F_GETLK, F_RDLCK, 5000, 10, &found) == F_WRLCK && found.l_pid == pid && found.l_start == 300 &&
                found.l_len == 0,
            "the child's second lock: %d by %d", found.l_type, found.l_pid);
  tst_check(lock_ask(fd, F_GETLK, F_WRLCK, 160, 100, &found) == F_UNLCK, "there is a lock that nobody took");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
