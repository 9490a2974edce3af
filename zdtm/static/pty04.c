// zdtm: {"category": "tty", "verifies": "two slaves whose master is closed say that the line is hung up"}
#include "terminal.h"

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR);
  int slaves[] = {tty_slave(master, O_RDWR), tty_slave(master, O_RDWR | O_NONBLOCK)};
  close(master);
  tst_ready();
  TST_SPOIL tst_sys(dup2(tty_slave(tty_master(O_RDWR), O_RDWR | O_NONBLOCK), slaves[1]));
  for (int i = 0; i < 2; i++) {
    char byte;
    struct winsize size;
    tst_check(read(slaves[i], &byte, 1) == 0, "slave %d reads something", i);
    tst_check(write(slaves[i], "x", 1) == -1 && errno == EIO, "slave %d writes", i);
    tst_check(ioctl(slaves[i], TIOCGWINSZ, &size) == -1 && errno == EIO, "slave %d has a size", i);
    struct pollfd one = {.fd = slaves[i], .events = POLLIN};
    tst_check(poll(&one, 1, 0) == 1 && (one.revents & POLLHUP), "slave %d is not hung up: %x", i, one.revents);
  }
  tst_check(fcntl(slaves[1], F_GETFL) & O_NONBLOCK, "the second slave would block");
  return tst_pass();
}
