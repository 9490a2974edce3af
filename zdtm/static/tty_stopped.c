// zdtm: {"category": "tty", "verifies": "jobs that their terminal stopped because they read or wrote in the background wait, and go on in the foreground"}
#include "terminal.h"

static tst_step *step;
static struct {
  char heard[32];
  pid_t jobs[2];
} *shared;

static int reads(void *unused) {
  (void)unused;
  tst_sys(setpgid(0, 0));
  ssize_t got = tst_sys(read(0, shared->heard, sizeof(shared->heard) - 1));
  shared->heard[got] = 0;
  tst_raise(step);
  tst_sleep();
}

static int writes(void *unused) {
  (void)unused;
  tst_sys(setpgid(0, 0));
  tty_say(0, "written");
  tst_raise(step);
  tst_sleep();
}

static void await_stop(pid_t pid, int signal) {
  siginfo_t info;
  tst_sys(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
  tst_check(info.si_status == signal, "a job was stopped by signal %d", info.si_status);
}

static void foreground(pid_t pid) {
  tst_sys(tcsetpgrp(0, pid));
  tst_sys(kill(-pid, SIGCONT));
}

static int shell(void *path) {
  signal(SIGTTOU, SIG_IGN);
  int terminal = tty_lead(path);
  struct termios modes = tty_modes(terminal);
  modes.c_lflag = (modes.c_lflag & ~(tcflag_t)ECHO) | TOSTOP;
  tst_sys(tcsetattr(terminal, TCSANOW, &modes));
  tst_sys(dup2(terminal, 0));
  close(terminal);
  shared->jobs[0] = tst_child(reads, NULL);
  signal(SIGTTOU, SIG_DFL); /* the child would ignore it too */
  shared->jobs[1] = tst_child(writes, NULL);
  signal(SIGTTOU, SIG_IGN);
  await_stop(shared->jobs[0], SIGTTIN);
  await_stop(shared->jobs[1], SIGTTOU);
  tst_set(step, 1);
  tst_await(step, 2);
  /* The parent still has not waited for them. */
  await_stop(shared->jobs[0], SIGTTIN);
  await_stop(shared->jobs[1], SIGTTOU);
  foreground(shared->jobs[0]);
  tst_await(step, 3);
  foreground(shared->jobs[1]);
  tst_await(step, 4);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = tst_shared(sizeof(*shared));
  int master = tty_master(O_RDWR);
  tst_child(shell, (void *)(uintptr_t)tty_path(master));
  tst_await(step, 1);
  tst_ready();
  for (int i = 0; i < 2; i++)
    tst_check(tst_state(shared->jobs[i]) == 'T', "job %d is in state %c", i, tst_state(shared->jobs[i]));
  TST_SPOIL tty_say(master, "other ");
  tty_say(master, "typed\n");
  tst_set(step, 2);
  tst_await(step, 4);
  tst_check(!strcmp(shared->heard, "typed\n"), "the job hears \"%s\"", shared->heard);
  tty_hear(master, "written");
  return tst_pass();
}
