// zdtm: {"category": "arch-regs", "spoils": true, "except": {"state": "the sleep may be over"}, "verifies": "a sleep that a stop has already interrupted once, so that the task is in restart_syscall, lasts its full time"}
#include "tst.h"

static struct {
  tst_step up;
  long result;
  int error;
  double took;
} *shared;

static double now(void) {
  struct timespec at;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &at));
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int child(void *unused) {
  (void)unused;
  struct timespec time = {5, 0}; /* longer than a dump takes on a busy machine */
  double begun = now();
  tst_set(&shared->up, 1);
  errno = 0;
  shared->result = nanosleep(&time, NULL);
  shared->error = errno;
  shared->took = now() - begun;
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pid_t pid = tst_child(child, NULL);
  tst_await(&shared->up, 1);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_sys(kill(pid, SIGSTOP));
  tst_sys(waitpid(pid, NULL, WUNTRACED));
  tst_sys(kill(pid, SIGCONT));
  tst_until(tst_state(pid) == 'S', "the child does not sleep again");
  tst_ready();
  tst_check(tst_reap(pid) == 0, "the child has failed");
  TST_SPOIL shared->took = 1;
  tst_check(shared->result == 0, "nanosleep gives %ld: %s", shared->result, strerror(shared->error));
  tst_check(shared->took >= 5, "it lasted %.3f s", shared->took);
  return tst_pass();
}
