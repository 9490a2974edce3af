// zdtm: {"category": "signals", "refused": "SIGTRAP|signal 5", "verifies": "a task with a pending SIGTRAP is refused, and goes on"}
#include "tst.h"

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_sys(kill(getpid(), SIGTRAP));
  tst_ready();
  TST_SPOIL {
    int number;
    sigwait(&set, &number);
  }
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, NULL, &at_once) == SIGTRAP, "the signal is gone");
  return tst_pass();
}
