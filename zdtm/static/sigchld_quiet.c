// zdtm: {"category": "process-tree", "verifies": "a parent of zombies and of a stopped child hears of none of them a second time"}
#include "tst.h"

static volatile sig_atomic_t heard;

static void on_child(int number) {
  (void)number;
  heard++;
}

static int ends(void *unused) {
  (void)unused;
  return 3;
}

static int stops(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pids[3];
  signal(SIGCHLD, on_child);
  for (int i = 0; i < 2; i++) {
    pids[i] = tst_child(ends, NULL);
    tst_until(heard == i + 1, "no SIGCHLD");
  }
  pids[2] = tst_child(stops, NULL);
  tst_sys(kill(pids[2], SIGSTOP));
  tst_until(heard == 3, "no SIGCHLD");
  tst_ready();
  TST_SPOIL tst_sys(raise(SIGCHLD));
  tst_check(heard == 3, "SIGCHLD came %d times", (int)heard);
  for (int i = 0; i < 2; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == 3, "zombie %d ends with another code", i);
  tst_end(pids[2]);
  return tst_pass();
}
