// zdtm: {"category": "process-tree", "verifies": "job control on a terminal goes on: foreground and background groups, a stopped job, keys that are signals"}
#include "terminal.h"

static struct {
  tst_step ready, switch_jobs, switched, lines, interrupts;
  char heard[2][32];
  pid_t shell, jobs[2];
} *shared;

static void on_interrupt(int number) {
  (void)number;
  tst_raise(&shared->interrupts);
}

/* A job reads a line of the terminal whenever it is in the foreground. */
static int job(void *which) {
  int n = (int)(intptr_t)which;
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
  tst_sys(sigaction(SIGINT, &action, NULL));
  tst_sys(setpgid(0, 0));
  tst_raise(&shared->ready);
  /* Reading in the background would stop it. */
  if (n == 0) tst_await(&shared->ready, 3);
  else tst_await(&shared->switched, 1);
  ssize_t got = tst_sys(read(0, shared->heard[n], sizeof(shared->heard[n]) - 1));
  shared->heard[n][got > 0 ? got : 0] = 0;
  tst_raise(&shared->lines);
  tst_sleep();
}

static int shell(void *name) {
  signal(SIGTTOU, SIG_IGN);
  tst_sys(setsid());
  int terminal = tst_sys(open(name, O_RDWR));
  for (int fd = 0; fd < 3; fd++) tst_sys(dup2(terminal, fd));
  close(terminal);
  shared->shell = getpid();
  for (intptr_t n = 0; n < 2; n++) shared->jobs[n] = tst_child(job, (void *)n);
  tst_await(&shared->ready, 2);
  tst_sys(tcsetpgrp(0, shared->jobs[0]));
  tst_sys(kill(-shared->jobs[1], SIGTSTP));
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)shared->jobs[1], &info, WSTOPPED | WNOWAIT));
  tst_raise(&shared->ready);
  tst_await(&shared->switch_jobs, 1);
  tst_check(tcgetpgrp(0) == shared->jobs[0], "the foreground group is %d", tcgetpgrp(0));
  tst_check(tcgetsid(0) == getpid(), "the terminal's session is %d", tcgetsid(0));
  tst_sys(tcsetpgrp(0, shared->jobs[1]));
  tst_sys(kill(-shared->jobs[1], SIGCONT));
  tst_set(&shared->switched, 1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  int master = tty_master(O_RDWR);
  tst_child(shell, (void *)(uintptr_t)tty_path(master));
  tst_await(&shared->ready, 3);
  tst_until(tst_state(shared->jobs[0]) == 'S', "the first job does not read");
  tst_ready();
  TST_SPOIL tst_sys(kill(shared->jobs[1], SIGCONT));
  TST_SPOIL tst_until(tst_state(shared->jobs[1]) != 'T', "the second job stays");
  tst_check(tst_state(shared->jobs[1]) == 'T', "the second job is in state %c", tst_state(shared->jobs[1]));
  tst_sys(write(master, "\003", 1));
  tst_until(shared->interrupts.value == 1, "the foreground job does not see control-C");
  tst_sys(write(master, "first\n", 6));
  tst_await(&shared->lines, 1);
  tst_check(!strcmp(shared->heard[0], "first\n"), "the foreground job hears \"%s\"", shared->heard[0]);
  tst_set(&shared->switch_jobs, 1);
  tst_await(&shared->switched, 1);
  tst_sys(write(master, "second\n", 7));
  tst_await(&shared->lines, 2);
  tst_check(!strcmp(shared->heard[1], "second\n"), "the second job hears \"%s\"", shared->heard[1]);
  tst_check(shared->interrupts.value == 1, "control-C came %d times", shared->interrupts.value);
  return tst_pass();
}
