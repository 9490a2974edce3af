// zdtm: {"category": "process-tree", "verifies": "a stop that the parent has waited for is not reported a second time"}
#include "tst.h"

static int child(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(child, NULL);
  tst_sys(kill(pid, SIGSTOP));
  int status = 0;
  tst_sys(waitpid(pid, &status, WUNTRACED));
  tst_check(WIFSTOPPED(status), "the child is not stopped");
  tst_ready();
  TST_SPOIL {
    tst_sys(kill(pid, SIGCONT));
    tst_until(tst_state(pid) == 'S', "the child does not go on");
    tst_sys(kill(pid, SIGSTOP));
    tst_until(tst_state(pid) == 'T', "the child does not stop");
  }
  tst_check(tst_state(pid) == 'T', "the child is in state %c", tst_state(pid));
  tst_check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0, "the stop is reported again, status 0x%x", status);
  tst_end(pid);
  return tst_pass();
}
