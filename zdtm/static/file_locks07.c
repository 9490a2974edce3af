// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "overlapping read locks of several open file descriptions come back, each its own"}
#include "locks.h"

int main(void) {
  tst_begin();
  int fds[3], asker;
  struct flock found;
  for (int i = 0; i < 3; i++) {
    fds[i] = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
    struct flock lock = lock_range(F_RDLCK, 10 * i, 20);
    tst_sys(fcntl(fds[i], F_OFD_SETLK, &lock));
  }
  asker = tst_sys(open("file", O_RDWR));
  tst_ready();
  TST_SPOIL {
    struct flock lock = lock_range(F_UNLCK, 10, 20);
    tst_sys(fcntl(fds[1], F_OFD_SETLK, &lock));
  }
  for (int i = 0; i < 3; i++) {
    tst_check(lock_ask(asker, F_OFD_GETLK, F_WRLCK, 10 * i, 20, &found) == F_RDLCK, "lock %d is gone", i);
    struct flock lock = lock_range(F_UNLCK, 10 * i, 20);
    tst_check(lock_ask(asker, F_OFD_GETLK, F_WRLCK, 10 * i, 1, &found) == F_RDLCK && found.l_start == 10 * i &&
                  found.l_len == 20,
              "lock %d has %ld bytes at %ld", i, (long)found.l_len, (long)found.l_start);
    tst_sys(fcntl(fds[i], F_OFD_SETLK, &lock));
  }
  tst_check(lock_ask(asker, F_OFD_GETLK, F_WRLCK, 0, 0, &found) == F_UNLCK, "there is one lock more");
  return tst_pass();
}
