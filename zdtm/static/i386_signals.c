// zdtm: {"category": "signals", "needs": ["i386"], "verifies": "a 32-bit program keeps its handlers with and without a restorer of its own, a handler that is being run, its alternate stack, and queued signals with their values"}
#include "tst.h"

#include <ucontext.h>

/* What the kernel takes of 32-bit programs. */
struct action {
  uint32_t handler, flags, restorer, mask[2];
};

static volatile sig_atomic_t plain, last_value, queued, inside;
static volatile uintptr_t stack_seen;
static char altstack[16384] __attribute__((aligned(16)));

static void on_usr1(int signo) { plain += signo; }

static void on_queued(int signo, siginfo_t *info, void *context) {
  const ucontext_t *frame = context;
  tst_check(info->si_signo == signo && info->si_code == SI_QUEUE, "signal %d, code %d", info->si_signo, info->si_code);
  tst_check(frame->uc_mcontext.gregs[REG_CS] == 0x23, "the frame's code segment is %x", frame->uc_mcontext.gregs[REG_CS]);
  last_value = info->si_value.sival_int;
  queued++;
  stack_seen = (uintptr_t)__builtin_frame_address(0);
}

/* Sleeps in its handler, on the alternate stack, over the dump. */
static void on_usr2(int signo) {
  (void)signo;
  volatile double half = 0.5;
  inside = 1;
  tst_ready();
  inside = half == 0.5 ? 2 : 3;
}

int main(void) {
  tst_begin();
  struct action bare = {.handler = (uintptr_t)on_usr1, .flags = 0}, now;
  struct sigaction action = {.sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = altstack, .ss_size = sizeof(altstack)}, stack_now;
  sigset_t set;
  union sigval value;
  /* without a restorer the vDSO's is used */
  tst_sys(syscall(SYS_rt_sigaction, SIGUSR1, &bare, NULL, 8));
  tst_sys(sigaltstack(&stack, NULL));
  sigaddset(&action.sa_mask, SIGHUP);
  tst_sys(sigaction(SIGRTMIN + 3, &action, NULL));
  struct sigaction sleeper = {.sa_handler = on_usr2, .sa_flags = SA_ONSTACK};
  tst_sys(sigaction(SIGUSR2, &sleeper, NULL));
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  tst_sys(sigprocmask(SIG_BLOCK, &set, NULL));
  for (int i = 1; i <= 3; i++) {
    value.sival_int = -1000 * i;
    tst_sys(sigqueue(getpid(), SIGRTMIN + 3, value));
  }
  double sum = 1.25;
  asm volatile("fldl %0" : : "m"(sum) : "st"); /* the handler's frame saves it */
  raise(SIGUSR2);
  asm volatile("fstpl %0" : "=m"(sum) : : "st");
  tst_check(inside == 2, "the handler came to %d", (int)inside);
  tst_check(sum == 1.25, "the x87 register behind the handler is %g", sum);
  tst_sys(raise(SIGUSR1));
  tst_check(plain == SIGUSR1, "the handler without a restorer was run %d times", (int)plain);
  tst_sys(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8));
  tst_check(now.handler == bare.handler && now.flags == 0, "flags %x", now.flags);
  TST_SPOIL signal(SIGRTMIN + 3, SIG_IGN);
  tst_sys(sigprocmask(SIG_UNBLOCK, &set, NULL));
  tst_check(queued == 3 && last_value == -3000, "%d signals, the last with %d", (int)queued, (int)last_value);
  tst_check(stack_seen - (uintptr_t)altstack < sizeof(altstack), "the handler ran at %zx", (size_t)stack_seen);
  tst_sys(sigaltstack(NULL, &stack_now));
  tst_check(stack_now.ss_sp == altstack && stack_now.ss_size == sizeof(altstack), "another alternate stack");
  tst_sys(sigaction(SIGRTMIN + 3, NULL, &action));
  tst_check(sigismember(&action.sa_mask, SIGHUP) == 1 && action.sa_sigaction == on_queued, "another handler");
  return tst_pass();
}
