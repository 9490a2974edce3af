// zdtm: {"category": "pipes", "verifies": "one end of a pipe that is open twice keeps the flags of each, in two tasks"}
#include "tst.h"

static tst_step *step;
static int ends[2], again;

static int child(void *unused) {
  (void)unused;
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
  again = tst_sys(open(path, O_RDWR | O_NONBLOCK));
  close(ends[1]);
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(fcntl(again, F_SETFL, 0));
  tst_check((fcntl(again, F_GETFL) & ~0100000) == (O_RDWR | O_NONBLOCK), "the child's flags are %x", fcntl(again, F_GETFL));
  tst_check(fcntl(ends[0], F_GETFL) == O_RDONLY, "the inherited end's flags are %x", fcntl(ends[0], F_GETFL));
  tst_sys(write(again, "up", 2));
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(pipe(ends));
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  char text[4] = {0};
  tst_check(read(ends[0], text, 4) == 2 && !strcmp(text, "up"), "the parent reads %s", text);
  return tst_pass();
}
