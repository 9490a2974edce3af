// zdtm: {"category": "signals", "verifies": "queued signals that a child sends without end are each taken once and in order"}
#include "tst.h"

static tst_step *taken;
static volatile int last;

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  int value = info->si_value.sival_int;
  tst_check(value == last + 1, "signal %d comes after %d", value, last);
  tst_check(info->si_code == SI_QUEUE, "signal %d has code %d", value, info->si_code);
  last = value;
  tst_set(taken, value);
}

static int child(void *unused) {
  (void)unused;
  for (int n = 1;; n++) {
    tst_await(taken, n - 16); /* some may wait in the queue */
    union sigval value = {.sival_int = tst_spoiling() && n == 500 ? 1 : n};
    tst_sys(sigqueue(getppid(), SIGRTMIN + 2, value));
  }
}

int main(void) {
  tst_begin();
  taken = tst_new_step();
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  tst_sys(sigaction(SIGRTMIN + 2, &action, NULL));
  pid_t pid = tst_child(child, NULL);
  tst_mark_ready();
  while (tst_going()) tst_nap();
  int before = last;
  tst_until(last > before + 100, "no more signals come");
  tst_end(pid);
  return tst_pass();
}
