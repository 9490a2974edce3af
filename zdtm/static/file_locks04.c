// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "of two descriptions of one file the lock belongs to the one that took it"}
#include "locks.h"

int main(void) {
  tst_begin();
  int other = tst_sys(open("file", O_RDWR | O_CREAT, 0644)), holder = tst_sys(open("file", O_RDWR));
  tst_sys(flock(holder, LOCK_EX));
  tst_check(flock(other, LOCK_EX | LOCK_NB) == -1, "the lock is not exclusive");
  tst_ready();
  TST_SPOIL tst_sys(flock(holder, LOCK_UN));
  tst_check(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "the other description has the lock");
  tst_sys(flock(other, LOCK_UN));
  tst_check(lock_held("file", LOCK_SH), "the other description could give the lock up");
  tst_sys(flock(holder, LOCK_UN));
  tst_check(!lock_held("file", LOCK_EX), "the holder could not give the lock up");
  return tst_pass();
}
