// zdtm: {"category": "devices", "verifies": "the console stays open, as the device that it is", "needs": ["root", "file:/dev/console"]}
#include "terminal.h"

#include <sys/sysmacros.h>

int main(void) {
  tst_begin();
  int fd = open("/dev/console", O_RDWR | O_NOCTTY);
  if (fd == -1) tst_skip("/dev/console: %s", strerror(errno));
  tst_ready();
  TST_SPOIL tst_sys(dup2(open("/dev/null", O_RDWR), fd));
  struct stat it;
  tst_sys(fstat(fd, &it));
  tst_check(it.st_rdev == makedev(5, 1), "the device is %d:%d", major(it.st_rdev), minor(it.st_rdev));
  tty_modes(fd);
  return tst_pass();
}
