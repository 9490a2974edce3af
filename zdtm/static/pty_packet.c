// zdtm: {"category": "tty", "notIn": {"uns": "TIOCSLCKTRMIOS takes CAP_SYS_ADMIN of the first user namespace"}, "verifies": "packet mode, exclusive use, locked modes and the size of a pty stay, on a master that a child has", "needs": ["root"]}
#include "terminal.h"

static tst_step *step;
static int master;

static int child(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  char heard[16] = {0};
  ssize_t got = tst_sys(read(master, heard, sizeof(heard)));
  tst_check(got == 6 && heard[0] == TIOCPKT_DATA && !strcmp(heard + 1, "hello"), "the master reads %zd: %d %s", got,
            heard[0], heard + 1);
  tst_set(step, 3);
  tst_await(step, 4);
  got = tst_sys(read(master, heard, sizeof(heard)));
  tst_check(got == 1 && (heard[0] & TIOCPKT_FLUSHREAD), "the master reads %zd: %d", got, heard[0]);
  tst_set(step, 5);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  signal(SIGWINCH, SIG_IGN);
  master = tty_master(O_RDWR);
  int slave = tty_slave(master, O_RDWR), on = 1, flag = -1;
  tty_raw(slave);
  struct winsize size = {.ws_row = 11, .ws_col = 22, .ws_xpixel = 33, .ws_ypixel = 44}, now;
  tst_sys(ioctl(slave, TIOCSWINSZ, &size));
  tst_sys(ioctl(master, TIOCPKT, &on));
  tst_sys(ioctl(slave, TIOCEXCL));
  struct termios locks, seen, modes = tty_modes(slave);
  memset(&locks, 0, sizeof(locks));
  locks.c_lflag = ECHO | ICANON;
  locks.c_cc[VMIN] = 1;
  /* The kernel takes a struct termios of its own, which glibc's begins with. */
  tst_sys(ioctl(slave, TIOCSLCKTRMIOS, &locks));
  tst_child(child, NULL);
  tst_await(step, 1);
  close(master);
  tst_ready();
  TST_SPOIL tst_sys(ioctl(slave, TIOCNXCL));
  memset(&seen, 0, sizeof(seen));
  tst_sys(ioctl(slave, TIOCGLCKTRMIOS, &seen));
  tst_check(seen.c_lflag == locks.c_lflag && seen.c_cc[VMIN] == 1, "locked are %x", seen.c_lflag);
  modes.c_lflag |= ECHO | ICANON;
  modes.c_cc[VMIN] = 3;
  tst_sys(tcsetattr(slave, TCSANOW, &modes));
  modes = tty_modes(slave);
  tst_check(!(modes.c_lflag & (ECHO | ICANON)) && modes.c_cc[VMIN] == 1, "locked modes changed: %x", modes.c_lflag);
  tst_sys(ioctl(slave, TIOCGEXCL, &flag));
  tst_check(flag == 1, "it is not exclusive");
  tst_sys(ioctl(slave, TIOCGWINSZ, &now));
  tst_check(!memcmp(&size, &now, sizeof(size)), "the size is %d x %d", now.ws_row, now.ws_col);
  tty_say(slave, "hello");
  tst_set(step, 2);
  tst_await(step, 3);
  tst_sys(tcflush(slave, TCIFLUSH));
  tst_set(step, 4);
  tst_await(step, 5);
  return tst_pass();
}
