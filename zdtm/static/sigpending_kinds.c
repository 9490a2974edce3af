// zdtm: {"category": "signals", "verifies": "pending signals made by kill, tgkill, a timer, a child's end and a pipe of the kernel keep the fields of their siginfo"}
#include "tst.h"

static siginfo_t take(int number) {
  siginfo_t info;
  struct timespec at_once = {0};
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  /* glibc's own sigtimedwait hides who was sent by tgkill. */
  tst_check(syscall(SYS_rt_sigtimedwait, &one, &info, &at_once, 8) == number, "signal %d is not pending", number);
  return info;
}

static int end(void *unused) { return unused ? 0 : 42; }

static int kill_parent(void *unused) {
  (void)unused;
  tst_sys(setresuid(1234, 0, 0)); /* the sender that a signal names is the real user */
  tst_sys(kill(getppid(), SIGUSR1));
  return 0;
}

int main(void) {
  tst_begin();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  pid_t sender = tst_child(kill_parent, NULL);
  tst_reap(sender);
  take(SIGCHLD);
  pid_t child = tst_child(end, NULL);
  tst_until(tst_state(child) == 'Z', "the child does not end");
  tst_sys(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2));
  tst_sys(raise(SIGHUP));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  timer_t timer;
  tst_sys(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec soon = {.it_value.tv_nsec = 1};
  tst_sys(timer_settime(timer, 0, &soon, NULL));
  tst_until(tst_status(getpid(), "ShdPnd", 16) >> (SIGRTMIN - 1) & 1, "the timer does not expire");
  int ends[2];
  tst_sys(pipe(ends));
  tst_sys(fcntl(ends[0], F_SETSIG, SIGRTMIN + 1));
  tst_sys(fcntl(ends[0], F_SETOWN, getpid()));
  tst_sys(fcntl(ends[0], F_SETFL, O_ASYNC));
  tst_sys(write(ends[1], "x", 1));
  tst_ready();
  TST_SPOIL take(SIGUSR2);
  siginfo_t info = take(SIGUSR1);
  tst_check(info.si_code == SI_USER && info.si_pid == sender && info.si_uid == 1234, "kill: code %d, pid %d, uid %d",
            info.si_code, info.si_pid, info.si_uid);
  info = take(SIGUSR2);
  tst_check(info.si_code == SI_TKILL && info.si_pid == getpid(), "tgkill: code %d, pid %d", info.si_code, info.si_pid);
  take(SIGHUP);
  info = take(SIGCHLD);
  tst_check(info.si_code == CLD_EXITED && info.si_pid == child && info.si_status == 42 && info.si_uid == 0,
            "child: code %d, pid %d, status %d", info.si_code, info.si_pid, info.si_status);
  info = take(SIGRTMIN);
  tst_check(info.si_code == SI_TIMER && info.si_int == 77, "timer: code %d, value %d", info.si_code, info.si_int);
  info = take(SIGRTMIN + 1);
  tst_check(info.si_code == POLL_IN && info.si_fd == ends[0] && (info.si_band & POLL_IN), "pipe: code %d, fd %d",
            info.si_code, info.si_fd);
  tst_check(WEXITSTATUS(tst_reap(child)) == 42, "the child ended otherwise");
  return tst_pass();
}
