// zdtm: {"category": "process-tree", "verifies": "a parent still hears, once, that a child was continued (WCONTINUED), and that of one alone of which it has not heard yet"}
#include "tst.h"

enum { UNHEARD, BLOCKING, HEARD, KINDS };

static struct {
  tst_step ready, checked;
  int continued[KINDS];
} *shared;
static int own;

static void on_cont(int number) { (void)number, shared->continued[own]++; }

static void *other(void *unused) {
  tst_await(&shared->checked, 1);
  return unused;
}

static sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

/* Its handler must not run a second time; where the signal is blocked it waits with its sender. */
static int child(void *kind) {
  own = (int)(intptr_t)kind;
  sigset_t set = set_of(SIGCONT);
  tst_sys(sigprocmask(own == BLOCKING ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL));
  signal(SIGCONT, on_cont);
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_raise(&shared->ready);
  tst_await(&shared->checked, 1);
  tst_pthread(pthread_join(thread, NULL));
  if (own != BLOCKING) return 0;
  siginfo_t info;
  struct timespec none = {0};
  int number = sigtimedwait(&set, &info, &none);
  tst_check(number == SIGCONT && info.si_pid == getppid(), "signal %d waits, of %d", number, info.si_pid);
  return 0;
}

static pid_t hears(pid_t pid) {
  siginfo_t info = {0};
  tst_sys(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOHANG));
  return info.si_pid;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  sigset_t set = set_of(SIGCHLD), pending;
  struct timespec none = {0};
  tst_sys(sigprocmask(SIG_BLOCK, &set, NULL));
  pid_t pids[KINDS];
  for (intptr_t i = 0; i < KINDS; i++) pids[i] = tst_child(child, (void *)i);
  tst_await(&shared->ready, KINDS);
  for (int i = 0; i < KINDS; i++) {
    siginfo_t info;
    tst_sys(kill(pids[i], SIGSTOP));
    tst_sys(waitid(P_PID, (id_t)pids[i], &info, WSTOPPED));
    tst_sys(kill(pids[i], SIGCONT));
    tst_until(tst_state(pids[i]) == 'S' && shared->continued[i] == (i != BLOCKING), "child %d does not go on", i);
  }
  tst_check(hears(pids[HEARD]) == pids[HEARD], "it was not continued");
  while (sigtimedwait(&set, NULL, &none) > 0) continue;
  tst_ready();
  TST_SPOIL hears(pids[UNHEARD]);
  tst_sys(sigpending(&pending));
  tst_check(!sigismember(&pending, SIGCHLD), "it is told of a child");
  for (int i = 0; i < KINDS; i++) {
    pid_t pid = hears(pids[i]);
    tst_check(pid == (i == HEARD ? 0 : pids[i]), "of child %d it hears %d", i, pid);
    tst_check(hears(pids[i]) == 0, "of child %d it hears twice", i);
  }
  tst_set(&shared->checked, 1);
  for (int i = 0; i < KINDS; i++) {
    tst_check(tst_reap(pids[i]) == 0, "child %d has failed", i);
    tst_check(shared->continued[i] == (i != BLOCKING), "child %d was continued %d times", i, shared->continued[i]);
  }
  return tst_pass();
}
