// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a lock of an open file description over the whole file comes back"}
#include "locks.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644)), other = tst_sys(open("file", O_RDWR));
  struct flock lock = lock_range(F_WRLCK, 0, 0), found;
  tst_sys(fcntl(fd, F_OFD_SETLK, &lock));
  tst_ready();
  TST_SPOIL {
    lock.l_type = F_RDLCK;
    tst_sys(fcntl(fd, F_OFD_SETLK, &lock));
  }
  tst_check(lock_ask(other, F_OFD_GETLK, F_RDLCK, 77, 1, &found) == F_WRLCK, "the lock is %d", found.l_type);
  tst_check(found.l_start == 0 && found.l_len == 0 && found.l_pid == -1, "the lock is of %d, %ld bytes", found.l_pid,
            (long)found.l_len);
  tst_check(lock_ask(fd, F_OFD_GETLK, F_WRLCK, 0, 0, &found) == F_UNLCK, "the holder's own lock stands in its way");
  return tst_pass();
}
