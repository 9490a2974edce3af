// zdtm: {"category": "tty", "verifies": "both ends of a pty and /dev/tty pass data, with the same settings"}
#include "terminal.h"

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR);
  int slave = tst_sys(open(tty_path(master), O_RDWR));
  if (tcgetsid(slave) != getpid()) tst_sys(ioctl(slave, TIOCSCTTY, 0));
  int own = tst_sys(open("/dev/tty", O_RDWR));
  tty_raw(slave);
  struct termios before = tty_modes(slave);
  before.c_cc[VINTR] = 7;
  before.c_iflag |= IXANY;
  tst_sys(tcsetattr(slave, TCSANOW, &before));
  struct winsize size = {.ws_row = 41, .ws_col = 133, .ws_xpixel = 3, .ws_ypixel = 4}, now;
  signal(SIGWINCH, SIG_IGN);
  tst_sys(ioctl(master, TIOCSWINSZ, &size));
  tst_ready();
  TST_SPOIL tst_sys(ioctl(slave, TIOCSWINSZ, &(struct winsize){.ws_row = 1}));
  int ends[] = {master, slave, own};
  for (int i = 0; i < 3; i++) {
    struct termios modes = tty_modes(ends[i]);
    tst_check(!memcmp(&modes, &before, sizeof(modes)), "the modes differ, seen from descriptor %d", ends[i]);
    tst_sys(ioctl(ends[i], TIOCGWINSZ, &now));
    tst_check(!memcmp(&now, &size, sizeof(size)), "the size is %d x %d", now.ws_row, now.ws_col);
  }
  tty_say(master, "down");
  tty_hear(slave, "down");
  tty_say(slave, "up");
  tty_hear(master, "up");
  tty_say(master, "down again");
  tty_hear(own, "down again");
  tty_say(own, "up again");
  tty_hear(master, "up again");
  return tst_pass();
}
