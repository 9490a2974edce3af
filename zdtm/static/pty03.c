// zdtm: {"category": "tty", "verifies": "a session keeps its controlling terminal and foreground group though it has no descriptor of it"}
#include "terminal.h"

static tst_step *step;
static struct {
  pid_t group;
  int number;
} *shared;

static int sleeper(void *unused) {
  (void)unused;
  tst_sys(setpgid(0, 0));
  tst_sleep();
}

static int leader(void *path) {
  signal(SIGTTOU, SIG_IGN);
  int terminal = tty_lead(path);
  tty_raw(terminal);
  shared->group = tst_child(sleeper, NULL);
  tst_until(getpgid(shared->group) == shared->group, "the child has no group");
  tst_sys(tcsetpgrp(terminal, shared->group));
  close(terminal);
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(ioctl(open("/dev/tty", O_RDWR), TIOCNOTTY));
  int again = tst_sys(open("/dev/tty", O_RDWR));
  tst_check(tcgetsid(again) == getpid(), "the session is %d", tcgetsid(again));
  tst_check(tcgetpgrp(again) == shared->group, "the group is %d", tcgetpgrp(again));
  tty_say(again, "there");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = tst_shared(sizeof(*shared));
  int master = tty_master(O_RDWR);
  tst_child(leader, (void *)(uintptr_t)tty_path(master));
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  tty_hear(master, "there");
  return tst_pass();
}
