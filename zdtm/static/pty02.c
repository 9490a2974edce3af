// zdtm: {"category": "tty", "verifies": "a master that only a child holds goes on with a slave that its parent holds"}
#include "terminal.h"

static tst_step *step;
static int master;

static int child(void *slave) {
  close((int)(intptr_t)slave);
  tst_set(step, 1);
  tst_await(step, 2);
  tty_hear(master, "hello");
  tty_say(master, "yes");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  master = tty_master(O_RDWR);
  int slave = tty_slave(master, O_RDWR);
  tty_raw(slave);
  pid_t pid = tst_child(child, (void *)(intptr_t)slave);
  close(master);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tty_say(slave, "?");
  tty_say(slave, "hello");
  tst_set(step, 2);
  tst_await(step, 3);
  tty_hear(slave, "yes");
  tst_end(pid);
  char byte;
  tst_check(read(slave, &byte, 1) <= 0, "the slave outlives its master");
  return tst_pass();
}
