// zdtm: {"category": "process-tree", "verifies": "tasks that wait in wait4 and waitid, for one child, a group or any, go on waiting and get the right one"}
#include "tst.h"

static struct {
  tst_step up[3], end, done;
  pid_t children[3];
} *shared;

static int sleeper(void *which) {
  int n = (int)(intptr_t)which;
  if (n == 1) tst_sys(setpgid(0, 0));
  tst_set(&shared->up[n], 1);
  tst_await(&shared->end, 1);
  return 20 + n;
}

static int waiter(void *which) {
  int n = (int)(intptr_t)which, status = 0;
  siginfo_t info = {0};
  shared->children[n] = tst_child(sleeper, which);
  tst_await(&shared->up[n], 1);
  tst_set(&shared->up[n], 2);
  if (n == 0) tst_sys(wait4(shared->children[0], &status, 0, NULL));
  if (n == 1) tst_sys(waitpid(-shared->children[1], &status, 0));
  if (n == 2) {
    tst_sys(waitid(P_ALL, 0, &info, WEXITED));
    status = info.si_status << 8;
  }
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 20 + n, "waiter %d gets 0x%x", n, status);
  tst_raise(&shared->done);
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pid_t pids[3];
  for (intptr_t n = 0; n < 3; n++) {
    pids[n] = tst_child(waiter, (void *)n);
    tst_await(&shared->up[n], 2);
  }
  tst_ready();
  TST_SPOIL kill(shared->children[1], SIGKILL);
  tst_check(tst_spoiling() || shared->done.value == 0, "a wait has ended by itself");
  tst_set(&shared->end, 1);
  for (int n = 0; n < 3; n++) tst_check(tst_reap(pids[n]) == 0, "waiter %d has failed", n);
  return tst_pass();
}
