// zdtm: {"category": "signals", "verifies": "handler, flags, mask and restorer of every signal come back, ignored and default ones too"}
#include "tst.h"

/* The kernel's own form: glibc hides the restorer. */
struct action {
  void *handler;
  unsigned long flags;
  void *restorer;
  unsigned long mask;
};

static void handler(int number) { (void)number; }

int main(void) {
  tst_begin();
  struct action was[65] = {0}, is;
  for (int n = 1; n <= 64; n++) {
    if (n == SIGKILL || n == SIGSTOP || n == SIGTERM) continue;
    struct action set = {.handler = n % 3 == 0 ? (void *)handler : n % 3 == 1 ? (void *)SIG_IGN : (void *)SIG_DFL};
    if (n % 3 == 0) {
      static const unsigned long flags[] = {SA_RESTART, SA_SIGINFO, SA_ONSTACK, SA_NODEFER, SA_RESETHAND, 0x800};
      set.flags = flags[n / 3 % 6] | 0x04000000;
      set.restorer = (char *)handler + n;
      set.mask = 0x5555555555555555UL << n % 7;
    }
    if (n == SIGCHLD) set.flags = SA_NOCLDSTOP | SA_NOCLDWAIT;
    tst_sys(syscall(SYS_rt_sigaction, n, &set, NULL, 8));
    tst_sys(syscall(SYS_rt_sigaction, n, NULL, &was[n], 8));
  }
  tst_ready();
  TST_SPOIL signal(33 + 3, SIG_DFL);
  for (int n = 1; n <= 64; n++) {
    if (n == SIGKILL || n == SIGSTOP || n == SIGTERM) continue;
    tst_sys(syscall(SYS_rt_sigaction, n, NULL, &is, 8));
    tst_check(!memcmp(&is, &was[n], sizeof(is)), "signal %d: handler %p flags %lx mask %lx, was %p %lx %lx", n,
              is.handler, is.flags, is.mask, was[n].handler, was[n].flags, was[n].mask);
  }
  return tst_pass();
}
