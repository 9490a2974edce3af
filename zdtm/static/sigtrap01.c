// zdtm: {"category": "signals", "verifies": "a handler of SIGTRAP survives and still runs, by kill and by a breakpoint"}
#include "tst.h"

static volatile int code, count;

static void on_trap(int number, siginfo_t *info, void *context) {
  (void)number;
  code = info->si_code;
  count++;
#ifdef __aarch64__
  ((ucontext_t *)context)->uc_mcontext.pc += 4;
#else
  (void)context;
#endif
}

int main(void) {
  tst_begin();
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  tst_sys(sigaction(SIGTRAP, &action, NULL));
  tst_ready();
  TST_SPOIL signal(SIGTRAP, SIG_IGN);
  tst_sys(kill(getpid(), SIGTRAP));
  tst_check(count == 1 && code == SI_USER, "after kill: %d times, code %d", count, code);
#ifdef __aarch64__
  __asm__ volatile("brk #0");
#else
  __asm__ volatile("int3");
#endif
  tst_check(count == 2 && code > 0, "after a breakpoint: %d times, code %d", count, code);
  return tst_pass();
}
