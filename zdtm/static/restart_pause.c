// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "pause and sigsuspend end by a handler only, sigwaitinfo by its signal or its time"}
#include "blocked.h"

static volatile sig_atomic_t hits;
static void on_signal(int number) { hits += number; }

static void __attribute__((constructor)) make(void) {
  sigset_t set;
  sigemptyset(&set);
  signal(SIGUSR1, on_signal);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGALRM);
  tst_sys(sigprocmask(SIG_BLOCK, &set, NULL));
  signal(SIGUSR2, on_signal);
}

static long pauses(void) { return pause(); }
static void hit_first(void) { pthread_kill(blocked_threads[0].id, SIGUSR1); }

static long suspends(void) {
  sigset_t none;
  sigfillset(&none);
  sigdelset(&none, SIGUSR2);
  return sigsuspend(&none);
}
static void hit_second(void) { pthread_kill(blocked_threads[1].id, SIGUSR2); }

static long waits(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  return sigwaitinfo(&set, &info);
}
static void hit_third(void) { pthread_kill(blocked_threads[2].id, SIGALRM); }

static long waits_for_a_time(void) {
  sigset_t set;
  struct timespec time = {2, 0};
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, NULL, &time);
}

static const blocked table[] = {
    {"pause", pauses, hit_first, -EINTR, 0},
    {"sigsuspend", suspends, hit_second, -EINTR, 0},
    {"sigwaitinfo", waits, hit_third, SIGALRM, 0},
    {"sigtimedwait for two seconds", waits_for_a_time, NULL, -EAGAIN, 2.0},
};

BLOCKED_MAIN(table)
