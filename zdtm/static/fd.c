// zdtm: {"category": "files", "verifies": "a task without any descriptor has none afterwards"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  for (int fd = 0; fd < 100; fd++) close(fd);
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(open("/dev/null", O_RDONLY));
  for (int fd = 0; fd < 4096; fd++) tst_check(fcntl(fd, F_GETFD) == -1, "there is a descriptor %d", fd);
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
