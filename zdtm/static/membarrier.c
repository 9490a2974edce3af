// zdtm: {"category": "misc", "verifies": "registrations for every kind of expedited memory barrier are still in force"}
#include "tst.h"

#include <linux/membarrier.h>

static const int kinds[][2] = {
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED},
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE},
    {MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, MEMBARRIER_CMD_GLOBAL_EXPEDITED},
    {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ}};

static long barrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

static tst_step *step;

static int without(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == -1 && errno == EPERM, "the child is registered");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  long can = barrier(MEMBARRIER_CMD_QUERY);
  if (can < 0) tst_skip("the kernel has no membarrier");
  tst_child(without, NULL);
  tst_await(step, 1);
  for (int i = 0; i < 4; i++)
    if (can & kinds[i][0]) tst_sys(barrier(kinds[i][0]));
  tst_ready();
  TST_SPOIL can |= 1L << 30;
  for (int i = 0; i < 4; i++)
    if (can & kinds[i][0]) tst_check(barrier(kinds[i][1]) == 0, "kind %d: %s", i, strerror(errno));
  tst_check(barrier(MEMBARRIER_CMD_QUERY) == can, "the kernel can do other things now");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
