// zdtm: {"category": "misc", "verifies": "a task that only computes goes on computing, without a system call, and hears SIGTERM"}
#include "tst.h"

static volatile sig_atomic_t told;

static void on_term(int number) {
  (void)number;
  told = 1;
}

int main(void) {
  tst_begin();
  struct sigaction action = {.sa_handler = on_term};
  tst_sys(sigaction(SIGTERM, &action, NULL));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  tst_mark_ready();
  uint64_t a = 1, b = 1, rounds = 0;
  while (!told) {
    for (int i = 0; i < 1000; i++) a = a * 6364136223846793005UL + 1442695040888963407UL;
    for (int i = 0; i < 1000; i++) b = b * 6364136223846793005UL + 1442695040888963407UL;
    rounds++;
    if (a != b) break;
  }
  TST_SPOIL b++;
  tst_check(a == b, "after %lu rounds the two computations differ", (unsigned long)rounds);
  return tst_pass();
}
