// zdtm: {"category": "misc", "verifies": "the out-of-memory adjustment of each process comes back"}
#include "tst.h"

static tst_step *step;

static void set(const char *value) {
  int fd = tst_sys(open("/proc/self/oom_score_adj", O_WRONLY));
  tst_sys(write(fd, value, strlen(value)));
  close(fd);
}

static int child(void *unused) {
  (void)unused;
  set("1000");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(atoi(tst_slurp("/proc/self/oom_score_adj", NULL)) == 1000, "the child's is wrong");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  set("321");
  tst_ready();
  TST_SPOIL set("322");
  tst_check(atoi(tst_slurp("/proc/self/oom_score_adj", NULL)) == 321, "the parent's is wrong");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
