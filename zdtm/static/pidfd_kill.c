// zdtm: {"category": "pidfd", "verifies": "pidfds of a child and of a grandchild kill the right one"}
#include "tst.h"

#include <sys/pidfd.h>

static tst_step *step;
static pid_t *grandchild;

static int sleeper(void *unused) {
  (void)unused;
  tst_sleep();
}

static int child(void *unused) {
  *grandchild = tst_child(sleeper, unused);
  tst_set(step, 1);
  int status = tst_reap(*grandchild);
  tst_set(step, WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  grandchild = tst_shared(4096);
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  int near = tst_sys(pidfd_open(pid, 0)), far = tst_sys(pidfd_open(*grandchild, 0));
  tst_ready();
  tst_sys(pidfd_send_signal(far, tst_spoiling() ? SIGUSR1 : SIGKILL, NULL, 0));
  tst_await(step, 2);
  tst_check(step->value == 1000 + SIGKILL, "the grandchild ended by %d", step->value - 1000);
  tst_check(pidfd_send_signal(far, 0, NULL, 0) == -1 && errno == ESRCH, "the grandchild's pidfd still signals");
  tst_sys(pidfd_send_signal(near, SIGUSR1, NULL, 0));
  int status = tst_reap(pid);
  tst_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1, "the child ended with 0x%x", status);
  return tst_pass();
}
