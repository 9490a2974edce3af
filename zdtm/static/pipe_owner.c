// zdtm: {"category": "pipes", "verifies": "an end that tells its owner by signal of new bytes still does, with the signal that was set"}
#include "tst.h"

int main(void) {
  tst_begin();
  int ends[2];
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 6);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_sys(pipe(ends));
  tst_sys(fcntl(ends[0], F_SETSIG, SIGRTMIN + 6));
  tst_sys(fcntl(ends[0], F_SETOWN, getpid()));
  tst_sys(fcntl(ends[0], F_SETFL, O_ASYNC));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(ends[0], F_SETFL, 0));
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, NULL, &at_once) == -1, "there is a signal that nobody sent");
  tst_sys(write(ends[1], "x", 1));
  tst_check(sigtimedwait(&set, &info, &at_once) == SIGRTMIN + 6, "no signal tells of the byte");
  tst_check(info.si_fd == ends[0], "the signal tells of descriptor %d", info.si_fd);
  tst_check(fcntl(ends[0], F_GETSIG) == SIGRTMIN + 6 && fcntl(ends[0], F_GETOWN) == getpid(), "signal %d, owner %d",
            fcntl(ends[0], F_GETSIG), fcntl(ends[0], F_GETOWN));
  return tst_pass();
}
