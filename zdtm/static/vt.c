// zdtm: {"category": "devices", "verifies": "two virtual terminals stay open, each with its number and its modes", "needs": ["root", "file:/dev/tty47"]}
#include "terminal.h"

#include <sys/sysmacros.h>

int main(void) {
  tst_begin();
  int one = open("/dev/tty47", O_RDWR | O_NOCTTY), two = open("/dev/tty48", O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (one == -1 || two == -1) tst_skip("/dev/tty47: %s", strerror(errno));
  struct termios modes[] = {tty_modes(one), tty_modes(two)};
  modes[0].c_lflag &= ~(tcflag_t)ECHO;
  modes[1].c_cc[VINTR] = 5;
  tst_sys(tcsetattr(one, TCSANOW, &modes[0]));
  tst_sys(tcsetattr(two, TCSANOW, &modes[1]));
  modes[0] = tty_modes(one);
  modes[1] = tty_modes(two);
  tst_check(modes[0].c_lflag != modes[1].c_lflag, "the terminals share their modes");
  tst_ready();
  TST_SPOIL tst_sys(tcsetattr(two, TCSANOW, &modes[0]));
  for (int i = 0; i < 2; i++) {
    int fd = i == 0 ? one : two;
    struct stat it;
    tst_sys(fstat(fd, &it));
    tst_check(it.st_rdev == makedev(4, 47 + i), "the device is %d:%d", major(it.st_rdev), minor(it.st_rdev));
    struct termios now = tty_modes(fd);
    tst_check(!memcmp(&now, &modes[i], sizeof(now)), "the modes of terminal %d differ", 47 + i);
  }
  tst_check((fcntl(two, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_NONBLOCK, "flags %x", fcntl(two, F_GETFL));
  return tst_pass();
}
