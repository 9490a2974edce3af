// zdtm: {"category": "process-tree", "verifies": "a living child can be waited for and its status is right"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  return 99;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_ready();
  tst_check(waitpid(pid, NULL, WNOHANG) == 0, "the child has ended by itself");
  TST_SPOIL tst_sys(kill(pid, SIGKILL));
  tst_set(step, 1);
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 99, "the child ends with 0x%x", status);
  tst_check(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "there are other children");
  return tst_pass();
}
