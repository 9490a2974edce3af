// zdtm: {"category": "misc", "verifies": "/proc/self/exe names the same program, in a child too"}
#include "tst.h"

static char was[PATH_MAX], is[PATH_MAX];
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_sys(readlink("/proc/self/exe", is, sizeof(is) - 1));
  tst_check(!strcmp(is, was), "the child's program is %s", is);
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(readlink("/proc/self/exe", was, sizeof(was) - 1));
  tst_child(child, NULL);
  tst_ready();
  TST_SPOIL was[0] = '!';
  tst_sys(readlink("/proc/self/exe", is, sizeof(is) - 1));
  tst_check(!strcmp(is, was), "the program is %s, was %s", is, was);
  tst_set(step, 1);
  tst_await(step, 2);
  return tst_pass();
}
