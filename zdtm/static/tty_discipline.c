// zdtm: {"category": "tty", "verifies": "a terminal with a line discipline of its own is refused, and goes on", "refused": "line discipline of its own"}
#include "terminal.h"

#define NONE 27 /* N_NULL: reads and writes are errors */

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR), none = NONE, now = -1;
  if (ioctl(slave, TIOCSETD, &none)) tst_skip("no line discipline %d: %s", NONE, strerror(errno));
  tst_ready();
  TST_SPOIL tst_sys(ioctl(slave, TIOCSETD, &(int){0}));
  tst_sys(ioctl(slave, TIOCGETD, &now));
  tst_check(now == NONE, "the line discipline is %d", now);
  return tst_pass();
}
