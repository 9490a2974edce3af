// zdtm: {"category": "seccomp", "verifies": "filters set with the flags for logging and speculation hold, and TRAP tells the handler which call it was"}
#include "filter.h"

static volatile int trapped, trap_data;

static void on_sys(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  trapped = info->si_syscall;
  trap_data = info->si_errno;
}

int main(void) {
  tst_begin();
  struct sigaction action = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
  tst_sys(sigaction(SIGSYS, &action, NULL));
  tst_sys(filter_call(SYS_getpgid, answer_error(51), SECCOMP_FILTER_FLAG_LOG));
  tst_sys(filter_call(SYS_getsid, answer_error(52), SECCOMP_FILTER_FLAG_SPEC_ALLOW));
  tst_sys(filter_call(SYS_getppid, SECCOMP_RET_TRAP | 53, 0));
  tst_ready();
  TST_SPOIL tst_sys(filter_call(SYS_getsid, answer_error(1), 0));
  tst_check(filtered(SYS_getpgid) == 51 && filtered(SYS_getsid) == 52, "the calls give %d and %d", filtered(SYS_getpgid),
            filtered(SYS_getsid));
  filtered(SYS_getppid);
  tst_check(trapped == SYS_getppid && trap_data == 53, "the handler was told of call %d with %d", trapped, trap_data);
  tst_check(tst_status(getpid(), "Seccomp_filters", 10) == 3, "there are %ld filters",
            tst_status(getpid(), "Seccomp_filters", 10));
  return tst_pass();
}
