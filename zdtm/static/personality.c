// zdtm: {"category": "creds", "verifies": "the personality comes back, of each task its own"}
#include "tst.h"

#include <sys/personality.h>

static tst_step *step;
static const unsigned long kinds[] = {ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC | SHORT_INODE, STICKY_TIMEOUTS | WHOLE_SECONDS,
                                      UNAME26};

static int child(void *number) {
  int nth = (int)(intptr_t)number;
  tst_sys(personality(kinds[nth]));
  tst_set(step, nth + 1);
  tst_await(step, 100);
  TST_SPOIL if (nth == 2) personality(WHOLE_SECONDS);
  int is = personality(0xffffffff);
  tst_check(is == (int)kinds[nth], "the personality is %x, not %lx", is, kinds[nth]);
  return 7;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pid_t pids[4];
  for (int i = 0; i < 4; i++) {
    pids[i] = tst_child(child, (void *)(intptr_t)i);
    tst_await(step, i + 1);
  }
  tst_ready();
  tst_set(step, 100);
  for (int i = 0; i < 4; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == 7, "child %d", i);
  tst_check(personality(0xffffffff) == 0, "the parent's personality is %x", personality(0xffffffff));
  return tst_pass();
}
