// zdtm: {"category": "tty", "verifies": "O_PATH descriptors of a slave and of /dev/ptmx name the same files, and open again"}
#include "terminal.h"

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  tty_raw(slave);
  int path = tst_sys(open(tty_path(master), O_PATH));
  int ptmx = tst_sys(open("/dev/ptmx", O_PATH));
  tst_ready();
  TST_SPOIL tst_sys(dup2(ptmx, path));
  struct stat one, two;
  tst_sys(fstat(slave, &one));
  tst_sys(fstat(path, &two));
  tst_check(one.st_rdev == two.st_rdev && one.st_ino == two.st_ino, "the path is of another file");
  tst_check(fcntl(path, F_GETFL) & O_PATH, "the path is open");
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
  int again = tst_sys(open(name, O_RDWR | O_NOCTTY));
  tty_say(master, "hello");
  tty_hear(again, "hello");
  snprintf(name, sizeof(name), "/proc/self/fd/%d", ptmx);
  tty_number(tst_sys(open(name, O_RDWR | O_NOCTTY)));
  return tst_pass();
}
