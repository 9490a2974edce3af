// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "no lease appears on files that had none"}
#include "locks.h"

int main(void) {
  tst_begin();
  int plain = tst_sys(open("plain", O_RDWR | O_CREAT, 0644)), had = tst_sys(open("had", O_RDWR | O_CREAT, 0644));
  tst_sys(fcntl(had, F_SETLEASE, F_WRLCK));
  tst_sys(fcntl(had, F_SETLEASE, F_UNLCK));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(had, F_SETLEASE, F_WRLCK));
  tst_check(fcntl(plain, F_GETLEASE) == F_UNLCK && fcntl(had, F_GETLEASE) == F_UNLCK, "the leases are %d and %d",
            fcntl(plain, F_GETLEASE), fcntl(had, F_GETLEASE));
  tst_check(open("had", O_RDONLY | O_NONBLOCK) >= 0 && open("plain", O_RDWR | O_NONBLOCK) >= 0, "something is in the way");
  return tst_pass();
}
