// zdtm: {"category": "tty", "verifies": "/dev/tty stays the terminal that it was opened for, when that has no session any more and when it is hung up", "except": {"fd 3": "/dev/tty leads nowhere by now: the terminal itself stands for it", "fd 4": "the same", "fd 3 file": "the same", "fd 4 file": "the same", "fd 3 mode": "the same", "fd 4 mode": "the same", "fd 3 info": "the same", "fd 4 info": "the same"}}
#include "terminal.h"

static int away(int fd) {
  int there = tst_sys(fcntl(fd, F_DUPFD, 20));
  close(fd);
  return there;
}

int main(void) {
  tst_begin();
  signal(SIGHUP, SIG_IGN);
  signal(SIGCONT, SIG_IGN);
  /* Numbers that the header names. */
  int first = away(tty_master(O_RDWR)), second = away(tty_master(O_RDWR));
  int slave = away(tst_sys(open(tty_path(first), O_RDWR)));
  tst_check(open("/dev/tty", O_RDWR) == 3, "a descriptor is open");
  tst_sys(ioctl(3, TIOCNOTTY));
  int other = away(tst_sys(open(tty_path(second), O_RDWR)));
  tst_check(open("/dev/tty", O_RDWR) == 4, "a descriptor is open");
  close(second);
  tty_raw(slave);
  tst_ready();
  TST_SPOIL tst_sys(dup2(4, 3));
  char byte;
  tst_check(read(4, &byte, 1) == 0 && read(other, &byte, 1) == 0, "the second terminal is not hung up");
  tst_check(write(4, "x", 1) == -1 && errno == EIO, "the second terminal takes something");
  tty_say(first, "down");
  tty_hear(3, "down");
  tty_say(3, "up");
  tty_hear(first, "up");
  tst_check(tcgetsid(3) == -1, "the first terminal is of session %d", tcgetsid(3));
  tst_check(open("/dev/tty", O_RDWR) == -1, "there is a controlling terminal");
  return tst_pass();
}
