// zdtm: {"category": "files", "verifies": "closed standard descriptors stay closed, and the lowest free number is given to the next file"}
#include "tst.h"

int main(void) {
  tst_begin();
  close(0);
  close(2);
  tst_sys(dup2(tst_sys(open("/dev/zero", O_RDONLY)), 5));
  close(0);
  tst_ready();
  TST_SPOIL tst_sys(open("/dev/null", O_RDONLY));
  tst_check(fcntl(0, F_GETFD) == -1 && fcntl(2, F_GETFD) == -1, "a closed descriptor is open");
  tst_check(open("/dev/null", O_RDONLY) == 0 && open("/dev/null", O_RDONLY) == 2, "a file gets another number");
  tst_check(open("/dev/null", O_RDONLY) == 3, "there are descriptors that nobody opened");
  return tst_pass();
}
