// zdtm: {"category": "tty", "verifies": "a master whose slave nobody has opened yet waits for one; a locked one stays locked; one whose slave was closed says so"}
#include "terminal.h"

int main(void) {
  tst_begin();
  int locked = tty_locked_master(O_RDWR | O_NONBLOCK);
  int fresh = tty_master(O_RDWR | O_NONBLOCK);
  int used = tty_master(O_RDWR | O_NONBLOCK);
  struct winsize size = {.ws_row = 7, .ws_col = 8}, now;
  tst_sys(ioctl(fresh, TIOCSWINSZ, &size));
  tst_sys(ioctl(used, TIOCSWINSZ, &size));
  int slave = tty_slave(used, O_RDWR);
  tty_raw(slave);
  tty_say(used, "for who comes next");
  tty_has(slave);
  tty_say(slave, "bye");
  close(slave);
  tst_ready();
  TST_SPOIL close(tty_slave(fresh, O_RDWR));
  char byte;
  struct pollfd one = {.fd = fresh, .events = POLLIN};
  tst_check(poll(&one, 1, 0) == 0, "the fresh master is not quiet: %x", one.revents);
  tst_check(read(fresh, &byte, 1) == -1 && errno == EAGAIN, "the fresh master says %s", strerror(errno));
  tst_sys(ioctl(fresh, TIOCGWINSZ, &now));
  tst_check(now.ws_row == 7 && now.ws_col == 8, "its size is %d x %d", now.ws_row, now.ws_col);
  tst_check(open(tty_path(locked), O_RDWR | O_NOCTTY) == -1 && errno == EIO, "the locked slave opens");
  int off = 0;
  tst_sys(ioctl(locked, TIOCSPTLCK, &off));
  close(tty_slave(locked, O_RDWR));
  tty_hear(used, "bye");
  tst_check(read(used, &byte, 1) == -1 && errno == EIO, "the used master does not say that its slave is closed");
  slave = tty_slave(used, O_RDWR);
  tty_hear(slave, "for who comes next");
  slave = tty_slave(fresh, O_RDWR);
  tty_raw(slave);
  tty_say(fresh, "hello");
  tty_hear(slave, "hello");
  return tst_pass();
}
