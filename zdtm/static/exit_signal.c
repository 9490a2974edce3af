// zdtm: {"category": "process-tree", "verifies": "children cloned with another exit signal than SIGCHLD, or with none, keep it"}
#include "tst.h"

static volatile sig_atomic_t heard[65];

static void on_signal(int number) { heard[number]++; }

int main(void) {
  tst_begin();
  static const int signals[] = {SIGCHLD, SIGUSR1, SIGUSR2, 0};
  pid_t pids[4];
  for (int i = 0; i < 4; i++) {
    if (signals[i]) signal(signals[i], on_signal);
    pids[i] = tst_sys((pid_t)syscall(SYS_clone, signals[i], 0, 0, 0, 0));
    if (pids[i] == 0) tst_sleep();
  }
  tst_ready();
  for (int i = 0; i < 4; i++) {
    if (tst_spoiling() && i == 1) continue;
    tst_sys(kill(pids[i], SIGKILL));
    if (i) tst_check(waitpid(pids[i], NULL, WNOHANG) <= 0, "child %d counts as an ordinary one", i);
    tst_reap(pids[i]);
  }
  for (int i = 0; i < 3; i++) tst_check(heard[signals[i]] == 1, "signal %d came %d times", signals[i], heard[signals[i]]);
  return tst_pass();
}
