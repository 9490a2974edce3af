// zdtm: {"category": "tty", "verifies": "what a master in packet mode has not been told yet of its slave it is told afterwards: queues that were flushed, output that stopped and went on, keys that stop it"}
#include "terminal.h"

enum { FLUSHED, WRITTEN, TYPED, STOPS, STARTS, KEYS, NO_KEYS, CHANGED, COUNT };

static int master[COUNT], slave[COUNT];

/* What the next read is told. */
static int told(int which) {
  char heard[16] = {0};
  ssize_t got = tst_sys(read(master[which], heard, sizeof(heard)));
  tst_check(got == 1, "%d: the master reads %zd", which, got);
  return heard[0];
}

static void modes(int which, bool keys, bool external) {
  struct termios now = tty_modes(slave[which]);
  now.c_iflag = keys ? now.c_iflag | IXON : now.c_iflag & ~(tcflag_t)IXON;
  now.c_lflag = external ? now.c_lflag | EXTPROC : now.c_lflag & ~(tcflag_t)EXTPROC;
  tst_sys(tcsetattr(slave[which], TCSANOW, &now));
}

int main(void) {
  tst_begin();
  for (int i = 0, on = 1; i < COUNT; i++) {
    master[i] = tty_master(O_RDWR);
    slave[i] = tty_slave(master[i], O_RDWR | O_NONBLOCK);
    tty_raw(slave[i]);
    modes(i, i == NO_KEYS, i == CHANGED);
    tst_sys(ioctl(master[i], TIOCPKT, &on));
  }
  tst_sys(tcflush(slave[FLUSHED], TCIOFLUSH));
  tst_sys(tcflush(slave[WRITTEN], TCOFLUSH));
  tty_say(slave[WRITTEN], "hello");
  tst_sys(tcflush(slave[TYPED], TCIFLUSH));
  tty_say(master[TYPED], "typed");
  tst_sys(tcflow(slave[STOPS], TCOOFF));
  tst_sys(tcflow(slave[STARTS], TCOOFF));
  tst_sys(tcflow(slave[STARTS], TCOON));
  modes(KEYS, true, false);
  modes(NO_KEYS, false, false);
  modes(CHANGED, false, false);
  tst_ready();
  TST_SPOIL {
    char heard[16];
    tst_sys(read(master[STARTS], heard, sizeof(heard)));
    tst_sys(tcflow(slave[STARTS], TCOOFF));
  }
  static const int wanted[COUNT] = {TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, TIOCPKT_FLUSHWRITE, TIOCPKT_FLUSHREAD, TIOCPKT_STOP,
                                    TIOCPKT_START, TIOCPKT_DOSTOP, TIOCPKT_NOSTOP, TIOCPKT_IOCTL};
  for (int i = 0; i < COUNT; i++) {
    int is = told(i);
    tst_check(is == wanted[i], "%d: the master is told %x", i, is);
  }
  char heard[16] = {0};
  tst_check(read(master[WRITTEN], heard, sizeof(heard)) == 6 && !strcmp(heard + 1, "hello"), "the master reads %s", heard + 1);
  tst_check(read(slave[TYPED], heard, sizeof(heard)) == 5 && !memcmp(heard, "typed", 5), "the slave reads otherwise");
  tst_check(write(slave[STOPS], "x", 1) < 0 && errno == EAGAIN, "the output is not stopped");
  tst_check(write(slave[STARTS], "x", 1) == 1, "the output is stopped");
  return tst_pass();
}
