// zdtm: {"category": "tty", "verifies": "two descriptions of one slave keep their flags, the slave its owner and mode, and both hear the master", "needs": ["root"]}
#include "terminal.h"

int main(void) {
  tst_begin();
  int master = tty_master(O_RDWR);
  int one = tty_slave(master, O_RDWR), two = tty_slave(master, O_RDONLY | O_NONBLOCK);
  tty_raw(one);
  tst_sys(fchown(one, 12345, 54321));
  tst_sys(fchmod(one, 0631));
  tst_ready();
  TST_SPOIL tst_sys(fchmod(one, 0600));
  struct stat it;
  for (int n = 0; n < 2; n++) {
    tst_sys(fstat(n == 0 ? one : two, &it));
    tst_check(it.st_uid == 12345 && it.st_gid == 54321, "the slave is of %d:%d", it.st_uid, it.st_gid);
    tst_check((it.st_mode & 07777) == 0631, "the slave's mode is %o", it.st_mode & 07777);
  }
  tst_check((fcntl(one, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDWR, "flags %x", fcntl(one, F_GETFL));
  tst_check((fcntl(two, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDONLY | O_NONBLOCK), "flags %x", fcntl(two, F_GETFL));
  char byte;
  tst_check(read(two, &byte, 1) == -1 && errno == EAGAIN, "the second reads something");
  tty_say(master, "a");
  tty_hear(one, "a");
  tty_say(master, "b");
  tty_hear(two, "b");
  tty_say(one, "c");
  tty_hear(master, "c");
  return tst_pass();
}
