// zdtm: {"category": "process-tree", "verifies": "the parent-death signal is still set and still comes when the parent dies"}
#include "tst.h"

static struct {
  tst_step ready, check, got;
} *steps;

static int child(void *unused) {
  (void)unused;
  sigset_t set;
  int number = 0;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  tst_sys(sigprocmask(SIG_BLOCK, &set, NULL));
  tst_sys(prctl(PR_SET_PDEATHSIG, SIGUSR2));
  tst_set(&steps->ready, 1);
  tst_await(&steps->check, 1);
  TST_SPOIL tst_sys(prctl(PR_SET_PDEATHSIG, 0));
  tst_sys(prctl(PR_GET_PDEATHSIG, &number));
  tst_check(number == SIGUSR2, "the signal is %d", number);
  tst_set(&steps->check, 2);
  tst_check(sigwaitinfo(&set, NULL) == SIGUSR2, "sigwaitinfo");
  tst_set(&steps->got, 1);
  tst_sleep();
}

static int parent(void *unused) {
  (void)unused;
  tst_child(child, NULL);
  tst_sleep();
}

int main(void) {
  tst_begin();
  steps = tst_shared(sizeof(*steps));
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t pid = tst_child(parent, NULL);
  tst_await(&steps->ready, 1);
  tst_ready();
  tst_set(&steps->check, 1);
  tst_await(&steps->check, 2);
  tst_check(steps->got.value == 0, "the signal has come already");
  tst_end(pid);
  tst_await(&steps->got, 1);
  return tst_pass();
}
