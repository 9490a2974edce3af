// zdtm: {"category": "memory", "verifies": "tasks all of whose memory is locked are dumped, and what they map later is locked as before"}
#include "tst.h"

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

static tst_step *step;

/* Is new memory locked, and is it there before it is touched? */
static void look(int how) {
  size_t page = tst_page();
  char *fresh = tst_private(8 * page);
  bool locked = how & MCL_FUTURE, at_once = locked && !(how & MCL_ONFAULT);
  tst_check(tst_vmflag(fresh, "lo") == locked, "new memory is %slocked (%d)", locked ? "not " : "", how);
  tst_check(tst_vmflag(fresh, "lf") == (locked && !at_once), "new memory is locked another way (%d)", how);
  tst_check(tst_pagemap(fresh + 7 * page) >> 63 == at_once, "new memory is there %d (%d)", !at_once, how);
  tst_sys(munmap(fresh, 8 * page));
}

static int child(void *how) {
  int flags = (int)(intptr_t)how;
  char *mine = tst_private(tst_page());
  mine[0] = 1;
  tst_sys(mlockall(flags));
  look(flags);
  tst_raise(step);
  tst_await(step, 10);
  TST_SPOIL tst_sys(munlockall());
  look(flags);
  bool stays = flags & MCL_CURRENT;
  tst_check(tst_vmflag(mine, "lo") == stays, "what was there is %slocked (%d)", stays ? "not " : "", flags);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  static const int kinds[] = {MCL_CURRENT, MCL_CURRENT | MCL_FUTURE, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT, MCL_FUTURE,
                              MCL_FUTURE | MCL_ONFAULT, MCL_CURRENT | MCL_ONFAULT};
  pid_t pids[sizeof kinds / sizeof *kinds];
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) pids[i] = tst_child(child, (void *)(intptr_t)kinds[i]);
  tst_await(step, sizeof kinds / sizeof *kinds);
  tst_ready();
  tst_set(step, 10);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) tst_check(tst_reap(pids[i]) == 0, "a child failed");
  return tst_pass();
}
