// zdtm: {"category": "tty", "verifies": "a leader holds descriptors of its own terminal and of another session's, /dev/tty among them, and each stays what it is"}
#include "terminal.h"

static tst_step *step;
static struct {
  char path[2][32];
  pid_t leaders[2];
} *shared;

static dev_t device(int fd) {
  unsigned int number = 0;
  tst_sys(ioctl(fd, TIOCGDEV, &number));
  return number;
}

static int second(void *theirs) {
  int other = (int)(intptr_t)theirs; /* /dev/tty, opened in the first session */
  int terminal = tty_lead(shared->path[1]);
  int own = tst_sys(open("/dev/tty", O_RDWR));
  shared->leaders[1] = getpid();
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(dup2(own, other));
  tst_check(device(own) == device(terminal), "/dev/tty is another terminal");
  tst_check(device(other) != device(terminal), "the other's /dev/tty became ours");
  tst_check(tcgetsid(own) == getpid(), "the own terminal is of session %d", tcgetsid(own));
  tst_check(tcgetpgrp(other) == -1 && errno == ENOTTY, "the other terminal became ours");
  tty_say(own, "second");
  tty_say(other, "first");
  tst_set(step, 3);
  tst_sleep();
}

static int first(void *unused) {
  (void)unused;
  int terminal = tty_lead(shared->path[0]);
  int own = tst_sys(open("/dev/tty", O_RDWR));
  shared->leaders[0] = getpid();
  tst_child(second, (void *)(intptr_t)own);
  close(own); /* only the second session has it now */
  tst_await(step, 3);
  tst_check(tcgetsid(terminal) == getpid(), "the first terminal is of session %d", tcgetsid(terminal));
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = tst_shared(sizeof(*shared));
  int masters[] = {tty_master(O_RDWR | O_CLOEXEC), tty_master(O_RDWR | O_CLOEXEC)};
  for (int i = 0; i < 2; i++) {
    snprintf(shared->path[i], sizeof(shared->path[i]), "%s", tty_path(masters[i]));
    tty_raw(masters[i]);
  }
  tst_child(first, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  tty_hear(masters[0], "first");
  tty_hear(masters[1], "second");
  return tst_pass();
}
