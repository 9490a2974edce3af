// zdtm: {"category": "misc", "flavours": ["h", "ns"], "verifies": "nice values of several children, lower and higher than usual, come back"}
#include "tst.h"

#include <sys/resource.h>

static int child(void *nice) {
  (void)nice;
  tst_sleep();
}

int main(void) {
  tst_begin();
  static const int values[] = {-20, -7, 0, 5, 19};
  pid_t pids[5];
  for (int i = 0; i < 5; i++) {
    pids[i] = tst_child(child, NULL);
    tst_sys(setpriority(PRIO_PROCESS, (id_t)pids[i], values[i]));
  }
  tst_ready();
  TST_SPOIL tst_sys(setpriority(PRIO_PROCESS, (id_t)pids[3], 6));
  for (int i = 0; i < 5; i++) {
    errno = 0;
    int is = getpriority(PRIO_PROCESS, (id_t)pids[i]);
    tst_check(errno == 0 && is == values[i], "child %d has nice value %d, not %d", i, is, values[i]);
  }
  return tst_pass();
}
