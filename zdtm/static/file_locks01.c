// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "flock locks, shared and exclusive, come back"}
#include "locks.h"

int main(void) {
  tst_begin();
  int exclusive = tst_sys(open("exclusive", O_RDWR | O_CREAT, 0644)), shared = tst_sys(open("shared", O_RDONLY | O_CREAT, 0644));
  close(tst_sys(open("free", O_RDWR | O_CREAT, 0644)));
  tst_sys(flock(exclusive, LOCK_EX));
  tst_sys(flock(shared, LOCK_SH));
  tst_ready();
  TST_SPOIL tst_sys(flock(shared, LOCK_UN));
  tst_check(lock_held("exclusive", LOCK_SH), "the exclusive lock is gone");
  tst_check(lock_held("shared", LOCK_EX) && !lock_held("shared", LOCK_SH), "the shared lock is gone, or exclusive");
  tst_check(!lock_held("free", LOCK_EX), "there is a lock that nobody took");
  tst_sys(flock(exclusive, LOCK_UN));
  tst_check(!lock_held("exclusive", LOCK_EX), "the lock does not go away");
  return tst_pass();
}
