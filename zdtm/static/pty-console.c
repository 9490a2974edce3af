// zdtm: {"category": "tty", "verifies": "a slave that is mounted over the console is refused, and stays the console", "flavours": ["ns"], "needs": ["root", "file:/dev/console"], "refused": "a terminal is mounted over a file"}
#include "terminal.h"

#include <sys/mount.h>

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  tty_raw(slave);
  tst_sys(mount(tty_path(master), "/dev/console", NULL, MS_BIND, NULL));
  int console = tst_sys(open("/dev/console", O_RDWR | O_NOCTTY));
  tst_ready();
  TST_SPOIL tst_sys(dup2(master, console));
  struct stat one, two;
  tst_sys(fstat(slave, &one));
  tst_sys(fstat(console, &two));
  tst_check(one.st_rdev == two.st_rdev && one.st_ino == two.st_ino, "the console is another file");
  tty_say(console, "up");
  tty_hear(master, "up");
  tty_say(master, "down");
  tty_hear(console, "down");
  close(tst_sys(open("/dev/console", O_RDWR | O_NOCTTY)));
  return tst_pass();
}
