// zdtm: {"category": "tty", "verifies": "a terminal in a terminal in a terminal: each session has its own, each master is with the leader one further out"}
#include "terminal.h"

#define DEPTH 4
static tst_step *step;
static struct {
  pid_t leaders[DEPTH], jobs[DEPTH];
} *shared;

static int job(void *unused) {
  (void)unused;
  tst_sys(setpgid(0, 0));
  tst_sleep();
}

/* Leads a session, passes on what comes from further out, and answers with its own number in front. */
static void lead(int depth, const char *path) {
  signal(SIGTTOU, SIG_IGN);
  int terminal = tty_lead(path), inner = -1;
  tty_raw(terminal);
  shared->leaders[depth] = getpid();
  shared->jobs[depth] = tst_child(job, NULL);
  tst_until(getpgid(shared->jobs[depth]) == shared->jobs[depth], "the job has no group");
  if (depth + 1 < DEPTH) {
    inner = tty_master(O_RDWR | O_CLOEXEC);
    char name[32];
    snprintf(name, sizeof(name), "%s", tty_path(inner));
    if (tst_sys(fork()) == 0) {
      close(terminal);
      close(inner);
      lead(depth + 1, name);
    }
  }
  tst_raise(step);
  char heard[8], answer[8] = {(char)('0' + depth)};
  /* In the foreground still; the group is another one from the second question on. */
  for (int turn = 0;; turn++) {
    tst_check(read(terminal, heard, 1) == 1, "depth %d reads nothing", depth);
    tst_check(tcgetsid(terminal) == getpid(), "the session at depth %d is %d", depth, tcgetsid(terminal));
    tst_check(tcgetpgrp(terminal) == getpid(), "the group at depth %d is %d", depth, tcgetpgrp(terminal));
    if (inner >= 0) {
      tst_sys(write(inner, heard, 1));
      for (int n = 1; n < DEPTH - depth; n++) tst_sys(read(inner, answer + n, 1));
    }
    TST_SPOIL answer[0] = '?';
    tst_sys(write(terminal, answer, (size_t)(DEPTH - depth)));
  }
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = tst_shared(sizeof(*shared));
  int outer = tty_master(O_RDWR | O_CLOEXEC);
  char name[32];
  snprintf(name, sizeof(name), "%s", tty_path(outer));
  if (tst_sys(fork()) == 0) {
    close(outer);
    lead(0, name);
  }
  tst_await(step, DEPTH);
  for (int n = 0; n < DEPTH; n++) tst_until(tst_state(shared->leaders[n]) == 'S', "leader %d does not read", n);
  tst_ready();
  for (int turn = 0; turn < 2; turn++) {
    tty_say(outer, "x");
    tty_hear(outer, "0123");
  }
  return tst_pass();
}
