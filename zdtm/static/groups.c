// zdtm: {"category": "creds", "verifies": "a long list of supplementary groups comes back, and an empty one stays empty"}
#include "tst.h"

#include <grp.h>

enum { MANY = 1000 };
static tst_step *step;

static int without(void *unused) {
  (void)unused;
  tst_sys(setgroups(0, NULL));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(getgroups(0, NULL) == 0, "the child has %d groups", getgroups(0, NULL));
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(without, NULL);
  tst_await(step, 1);
  gid_t was[MANY], is[MANY];
  for (int i = 0; i < MANY; i++) was[i] = (gid_t)(20 + 7 * i);
  tst_sys(setgroups(MANY, was));
  tst_ready();
  TST_SPOIL tst_sys(setgroups(MANY - 1, was));
  int count = tst_sys(getgroups(MANY, is));
  tst_check(count == MANY, "there are %d groups", count);
  tst_check(!memcmp(was, is, sizeof(was)), "a group has changed");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
