// zdtm: {"category": "tty", "verifies": "ptys of a devpts of the tree's own keep their numbers there, one session's controlling terminal among them", "flavours": ["ns", "uns"], "needs": ["root"]}
#include "terminal.h"

#include <sys/mount.h>

static tst_step *step;

static int leader(void *unused) {
  (void)unused;
  int terminal = tty_lead("/dev/pts/1");
  tty_raw(terminal);
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(tcgetsid(terminal) == getpid(), "the session is %d", tcgetsid(terminal));
  char name[64] = {0};
  tst_check(!ttyname_r(terminal, name, sizeof(name)) && !strcmp(name, "/dev/pts/1"), "the terminal is \"%s\"", name);
  tty_hear(terminal, "down");
  tty_say(terminal, "up");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620"));
  int masters[2], slave, off = 0;
  for (int n = 0; n < 2; n++) {
    masters[n] = tst_sys(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    tst_check(tty_number(masters[n]) == n, "the number is %d", tty_number(masters[n]));
    tst_sys(ioctl(masters[n], TIOCSPTLCK, &off));
  }
  slave = tty_slave(masters[0], O_RDWR);
  tty_raw(slave);
  tty_say(masters[0], "waits");
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    close(masters[0]);
    close(masters[1]);
    close(slave);
    return leader(NULL);
  }
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(tcflush(slave, TCIFLUSH));
  TST_SPOIL tty_say(masters[0], "other");
  tty_hear(slave, "waits");
  for (int n = 0; n < 2; n++) tst_check(tty_number(masters[n]) == n, "the number is %d", tty_number(masters[n]));
  tst_set(step, 2);
  tty_say(masters[1], "down");
  tst_await(step, 3);
  tty_hear(masters[1], "up");
  int third = tst_sys(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  tst_check(tty_number(third) == 2, "the next number is %d", tty_number(third));
  return tst_pass();
}
