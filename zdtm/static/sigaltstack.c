// zdtm: {"category": "signals", "verifies": "leader and thread keep their alternate signal stacks, with flags, and handlers run on them"}
#include "tst.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char leader_stack[64 * 1024], thread_stack[96 * 1024];
static tst_step *step;
static __thread uintptr_t ran_at;

static void on_signal(int number) {
  char here;
  ran_at = (uintptr_t)&here;
  (void)number;
}

static void verify(const char *who, char *stack, size_t bytes, int flags) {
  stack_t is;
  tst_sys(sigaltstack(NULL, &is));
  tst_check(is.ss_sp == stack && is.ss_size == bytes && is.ss_flags == flags, "%s: %p, %zu bytes, flags %x", who,
            is.ss_sp, is.ss_size, is.ss_flags);
  tst_sys(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
  tst_check(ran_at - (uintptr_t)stack < bytes, "%s: the handler ran at %lx", who,
            (unsigned long)ran_at);
}

static void *other(void *unused) {
  stack_t stack = {.ss_sp = thread_stack, .ss_size = sizeof(thread_stack), .ss_flags = (int)SS_AUTODISARM};
  tst_sys(sigaltstack(&stack, NULL));
  tst_set(step, 1);
  tst_await(step, 2);
  verify("thread", thread_stack, sizeof(thread_stack), (int)SS_AUTODISARM);
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  tst_sys(sigaction(SIGUSR1, &action, NULL));
  stack_t stack = {.ss_sp = leader_stack, .ss_size = sizeof(leader_stack)};
  tst_sys(sigaltstack(&stack, NULL));
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL {
    stack.ss_flags = SS_DISABLE;
    tst_sys(sigaltstack(&stack, NULL));
  }
  verify("leader", leader_stack, sizeof(leader_stack), 0);
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
