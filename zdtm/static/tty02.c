// zdtm: {"category": "tty", "verifies": "a leader without a controlling terminal holds a slave and still has none"}
#include "terminal.h"

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  tst_check(getsid(0) == getpid(), "not a session leader");
  tst_ready();
  TST_SPOIL tst_sys(ioctl(slave, TIOCSCTTY, 0));
  tst_check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, "there is a controlling terminal");
  pid_t sid;
  tst_check(ioctl(slave, TIOCGSID, &sid) == -1, "the slave is of session %d", sid);
  tst_check(ioctl(master, TIOCGSID, &sid) == -1, "the master's other end is of session %d", sid);
  /* It can be had still. */
  tst_sys(ioctl(slave, TIOCSCTTY, 0));
  tst_check(tcgetsid(slave) == getpid(), "the slave is of session %d", tcgetsid(slave));
  return tst_pass();
}
