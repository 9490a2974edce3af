/* The body of the stopped cases: a child stopped by a signal, with or without more signals waiting for it. */
#ifndef STOPPED_H
#define STOPPED_H
#include "tst.h"

static struct {
  tst_step ready, answer;
  int counts[2];
} *stopped;

static void on_usr1(int number) { (void)number, stopped->counts[0]++; }
static void on_usr2(int number) { (void)number, stopped->counts[1]++; }

static int stopped_child(void *blocked) {
  sigset_t set = *(sigset_t *)blocked, all;
  sigfillset(&all);
  tst_sys(sigprocmask(SIG_SETMASK, &all, NULL));
  signal(SIGUSR1, on_usr1);
  signal(SIGUSR2, on_usr2);
  tst_sys(setpgid(0, 0)); /* the kernel ignores SIGTSTP in an orphaned group */
  tst_set(&stopped->ready, 1);
  /* Only here it can be stopped and answer: nothing is lost between the two. */
  tst_sys(sigprocmask(SIG_SETMASK, &set, NULL));
  for (;;) {
    tst_nap();
    tst_set(&stopped->answer, stopped->answer.value + 1);
  }
}

/* `to_process` and `to_thread` add a signal each; `blocked` is the child's mask and may be waiting too. */
static int stopped_case(int stop, bool to_process, bool to_thread, sigset_t blocked, int pending) {
  tst_begin();
  stopped = tst_shared(sizeof(*stopped));
  pid_t pid = tst_child(stopped_child, &blocked);
  tst_await(&stopped->ready, 1);
  if (pending) tst_sys(kill(pid, pending));
  tst_sys(kill(pid, stop));
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
  tst_check(info.si_status == stop, "stopped by %d", info.si_status);
  if (to_process) tst_sys(kill(pid, SIGUSR1));
  if (to_thread) tst_sys(syscall(SYS_tgkill, pid, pid, SIGUSR2));
  int answers = stopped->answer.value;
  long shared = tst_status(pid, "ShdPnd", 16), own = tst_status(pid, "SigPnd", 16);
  tst_ready();
  TST_SPOIL tst_sys(kill(pid, SIGCONT));
  TST_SPOIL tst_until(tst_state(pid) != 'T', "it stays stopped");
  tst_check(tst_state(pid) == 'T', "the child is in state %c", tst_state(pid));
  tst_check(stopped->answer.value == answers, "the child has run");
  tst_check(tst_status(pid, "ShdPnd", 16) == shared, "other signals wait for the process");
  tst_check(tst_status(pid, "SigPnd", 16) == own, "other signals wait for the thread");
  tst_sys(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
  tst_check(info.si_code == CLD_STOPPED && info.si_status == stop, "reported as stopped by %d", info.si_status);
  tst_sys(kill(pid, SIGCONT));
  tst_until(stopped->answer.value > answers, "the child does not go on");
  tst_check(stopped->counts[0] == to_process, "signal 1 came %d times", stopped->counts[0]);
  tst_check(stopped->counts[1] == to_thread, "signal 2 came %d times", stopped->counts[1]);
  tst_end(pid);
  return tst_pass();
}

static sigset_t set_of(int number) {
  sigset_t set;
  sigemptyset(&set);
  if (number) sigaddset(&set, number);
  return set;
}

#endif
