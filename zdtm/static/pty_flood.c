// zdtm: {"category": "tty", "verifies": "a program that floods a terminal with lines goes on where it waited, and none of them is lost", "except": {"memory": "the writer may get some lines further: a new terminal has more room"}}
#include "terminal.h"

#define LINES 40000

static tst_step *step;

/* Line by line, which the kernel keeps in many small buffers; its newlines become two bytes. */
static int writer(void *where) {
  tst_set(step, 1);
  for (int i = 0; i < LINES; i++) {
    char line[16];
    int bytes = snprintf(line, sizeof(line), "%d\n", i);
    /* A write that is stopped in the middle says how far it came. */
    for (int done = 0; done < bytes;)
      done += (int)tst_sys(write((int)(intptr_t)where, line + done, (size_t)(bytes - done)));
  }
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int master = tty_master(O_RDWR), slave = tty_slave(master, O_RDWR);
  pid_t pid = tst_child(writer, (void *)(intptr_t)slave);
  tst_await(step, 1);
  tst_until(tst_state(pid) == 'S', "the writer does not wait");
  tst_ready();
  char byte;
  TST_SPOIL tst_sys(read(master, &byte, 1));
  for (int i = 0; i < LINES; i++) {
    char line[16];
    snprintf(line, sizeof(line), "%d\r\n", i);
    tty_hear(master, line);
  }
  tst_await(step, 2);
  tty_quiet(master);
  return tst_pass();
}
