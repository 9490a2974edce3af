// zdtm: {"category": "misc", "except": {"memory": "the kernel writes what is left of the time when a wait is interrupted"}, "verifies": "a task asleep in nanosleep goes on sleeping, and a signal wakes it with what is left"}
#include "tst.h"

static tst_step *step;

static void on_signal(int number) { (void)number; }

static int sleeper(void *unused) {
  (void)unused;
  signal(SIGUSR1, on_signal);
  struct timespec time = {50000, 0}, left = {0};
  tst_set(step, 1);
  int got = nanosleep(&time, &left);
  tst_check(got == -1 && errno == EINTR, "nanosleep gives %d", got);
  tst_check(step->value == 2, "nobody woke the sleeper");
  tst_check(left.tv_sec > 40000 && left.tv_sec < 50000, "%ld s are left", left.tv_sec);
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pid = tst_child(sleeper, NULL);
  tst_await(step, 1);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  if (!tst_spoiling()) tst_set(step, 2);
  tst_sys(kill(pid, SIGUSR1));
  tst_check(WEXITSTATUS(tst_reap(pid)) == 7, "the sleeper ended otherwise");
  return tst_pass();
}
