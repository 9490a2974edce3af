// zdtm: {"category": "signals", "verifies": "a task caught while its handler runs on the alternate stack finishes the handler and returns to what it did before"}
#include "tst.h"

static char stack_bytes[128 * 1024];
static volatile int done;

static void on_signal(int number, siginfo_t *info, void *context) {
  int here = 1234;
  stack_t is;
  tst_ready();
  TST_SPOIL here = 0;
  tst_sys(sigaltstack(NULL, &is));
  tst_check(is.ss_flags == SS_ONSTACK && is.ss_sp == stack_bytes, "the alternate stack is not in use: flags %x",
            is.ss_flags);
  ucontext_t *frame = context;
  tst_check(here == 1234 && number == SIGUSR1 && info->si_int == 99, "the frame of the handler is wrong");
  tst_check(frame->uc_stack.ss_size == sizeof(stack_bytes), "the signal frame is wrong");
  done = 1;
}

int main(void) {
  tst_begin();
  stack_t stack = {.ss_sp = stack_bytes, .ss_size = sizeof(stack_bytes)};
  tst_sys(sigaltstack(&stack, NULL));
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO};
  sigaddset(&action.sa_mask, SIGRTMIN + 3);
  tst_sys(sigaction(SIGUSR1, &action, NULL));
  tst_sys(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 99}));
  tst_check(done, "the handler did not end");
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  tst_check(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGRTMIN + 3), "the handler's mask is left");
  tst_sys(sigaltstack(NULL, &stack));
  tst_check(stack.ss_flags == 0, "the alternate stack is still in use: %x", stack.ss_flags);
  return tst_pass();
}
