// zdtm: {"category": "tty", "verifies": "closing the master hangs up the session whose controlling terminal the slave is"}
#include "terminal.h"

static tst_step *step;
static volatile sig_atomic_t hung_up;

static void on_hangup(int number) {
  (void)number;
  hung_up = 1;
}

static int leader(void *path) {
  signal(SIGHUP, on_hangup);
  int terminal = tty_lead(path);
  TST_SPOIL tst_sys(ioctl(terminal, TIOCNOTTY));
  tst_set(step, 1);
  tst_until(hung_up, "no SIGHUP");
  char byte;
  tst_check(read(terminal, &byte, 1) == 0, "the terminal reads something");
  tst_check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, "there still is a controlling terminal");
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int master = tty_master(O_RDWR);
  /* The child must not hold the master. */
  tst_sys(fcntl(master, F_SETFD, FD_CLOEXEC));
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    char path[32];
    snprintf(path, sizeof(path), "%s", tty_path(master));
    close(master);
    return leader(path);
  }
  tst_await(step, 1);
  tst_ready();
  tst_check(step->value == 1, "the child heard of a hangup already");
  close(master);
  TST_SPOIL tst_nap();
  tst_await(step, 2);
  tst_end(pid);
  return tst_pass();
}
