// zdtm: {"category": "process-tree", "verifies": "a task that another one of the tree traces, stopped by a signal, is refused, and both go on", "refused": "traces this task"}
#include "tst.h"

#include <sys/ptrace.h>

static int traced(void *nothing) {
  (void)nothing;
  tst_sys(ptrace(PTRACE_TRACEME, 0, 0, 0));
  raise(SIGUSR1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t child = tst_child(traced, NULL);
  int status = 0;
  tst_check(waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1, "it is not stopped");
  tst_ready();
  siginfo_t info = {0};
  tst_sys(ptrace(PTRACE_GETSIGINFO, child, 0, &info));
  tst_check(info.si_signo == SIGUSR1, "it is stopped by signal %d", info.si_signo);
  tst_sys(ptrace(PTRACE_CONT, child, 0, 0));
  tst_end(child);
  return tst_pass();
}
