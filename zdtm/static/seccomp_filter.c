// zdtm: {"category": "seccomp", "verifies": "a filter still kills on the forbidden call, and returns its error on another"}
#include "filter.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  tst_sys(filter_call(SYS_ptrace, SECCOMP_RET_KILL_PROCESS, 0));
  tst_sys(filter_call(SYS_getpgid, answer_error(77), 0));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(filtered(SYS_getpgid) == 77, "the filtered call gives %d", filtered(SYS_getpgid));
  tst_check(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER, "the mode is %d", prctl(PR_GET_SECCOMP));
  tst_set(step, 3);
  TST_SPOIL _exit(0);
  filtered(SYS_ptrace);
  return 5;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  int status = tst_reap(pid);
  tst_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "the child ended with status 0x%x", status);
  return tst_pass();
}
