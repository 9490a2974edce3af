// zdtm: {"category": "tty", "verifies": "output that control-S or tcflow stopped stays stopped, with a writer that waits, until the key or the call that belongs to it"}
#include "terminal.h"

static tst_step *step;

static int writer(void *where) {
  tst_raise(step);
  tty_say((int)(intptr_t)where, "at last");
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int masters[2], slaves[2];
  pid_t pids[2];
  for (int n = 0; n < 2; n++) {
    masters[n] = tty_master(O_RDWR);
    slaves[n] = tty_slave(masters[n], O_RDWR);
    tty_raw(slaves[n]);
    struct termios modes = tty_modes(slaves[n]);
    modes.c_iflag |= IXON;
    tst_sys(tcsetattr(slaves[n], TCSANOW, &modes));
    tty_say(slaves[n], "before ");
    if (n == 1) tst_sys(tcflow(slaves[n], TCOOFF));
    else tty_say(masters[n], "\x13");
    struct pollfd one = {.fd = slaves[n], .events = POLLOUT};
    tst_until(poll(&one, 1, 0) == 0, "output is not stopped");
    pids[n] = tst_child(writer, (void *)(intptr_t)slaves[n]);
  }
  tst_await(step, 2);
  for (int n = 0; n < 2; n++) tst_until(tst_state(pids[n]) == 'S', "a writer does not wait");
  tst_ready();
  for (int n = 0; n < 2; n++) tty_hear(masters[n], "before ");
  TST_SPOIL tst_sys(tcflow(slaves[1], TCOON));
  TST_SPOIL tst_until(tty_has(masters[1]), "nothing comes");
  tty_say(masters[1], "\x11");
  tty_say(masters[1], "x");
  tty_hear(slaves[1], "x"); /* so the key was seen */
  for (int n = 0; n < 2; n++) tty_quiet(masters[n]);
  tty_say(masters[0], "\x11");
  tty_hear(masters[0], "at last");
  tst_sys(tcflow(slaves[1], TCOON));
  tty_hear(masters[1], "at last");
  return tst_pass();
}
