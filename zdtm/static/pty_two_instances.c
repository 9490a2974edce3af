// zdtm: {"category": "tty", "verifies": "two ptys of one number, in two instances of devpts, are told apart or refused", "flavours": ["ns"], "needs": ["root"], "refused": "two terminals of one number"}
#include "terminal.h"

#include <sys/mount.h>

int main(void) {
  tst_begin();
  int masters[2], slaves[2], off = 0;
  masters[0] = tty_master(O_RDWR);
  slaves[0] = tty_slave(masters[0], O_RDWR);
  int number = tty_number(masters[0]);
  tst_sys(mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666"));
  int spare[256];
  for (int n = 0; n < number; n++) spare[n] = tst_sys(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  masters[1] = tst_sys(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  for (int n = 0; n < number; n++) close(spare[n]);
  tst_check(tty_number(masters[1]) == number, "the number is %d, not %d", tty_number(masters[1]), number);
  tst_sys(ioctl(masters[1], TIOCSPTLCK, &off));
  slaves[1] = tty_slave(masters[1], O_RDWR);
  for (int n = 0; n < 2; n++) tty_raw(slaves[n]);
  tst_ready();
  TST_SPOIL tty_say(masters[1], "x");
  for (int n = 0; n < 2; n++) {
    const char *text = n == 0 ? "first" : "second";
    tty_say(masters[n], text);
    tty_hear(slaves[n], text);
  }
  return tst_pass();
}
