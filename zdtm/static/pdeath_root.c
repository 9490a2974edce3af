// zdtm: {"category": "misc", "verifies": "a first task that asked for a signal at its parent's end gets it neither from the dump nor from the restore's end"}
#include "tst.h"

static volatile int came;

static void on_signal(int number) { came = number; }

int main(void) {
  tst_begin();
  signal(SIGUSR2, on_signal);
  tst_sys(prctl(PR_SET_PDEATHSIG, SIGUSR2));
  tst_ready();
  int death = 0;
  TST_SPOIL tst_sys(raise(SIGUSR2));
  tst_sys(prctl(PR_GET_PDEATHSIG, &death));
  tst_check(death == SIGUSR2, "the death signal is %d", death);
  tst_check(!came, "the signal has come");
  return tst_pass();
}
