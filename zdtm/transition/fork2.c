// zdtm: {"category": "process-tree", "verifies": "children that live for a moment, up to eight at a time, all end as they should"}
#include "tst.h"

#define MOST 8

static int child(void *code) {
  struct timespec moment = {0, 3000000};
  nanosleep(&moment, NULL);
  return (int)(intptr_t)code;
}

int main(void) {
  tst_begin();
  tst_mark_ready();
  pid_t pids[MOST] = {0};
  for (int turn = 0; tst_going(); turn++) {
    int n = turn % MOST;
    if (pids[n]) {
      int status = tst_reap(pids[n]);
      tst_check(WIFEXITED(status) && WEXITSTATUS(status) == n + 1, "child %d ends with 0x%x", n, status);
    }
    pids[n] = tst_child(child, (void *)(intptr_t)(n + 1 + tst_spoiling()));
  }
  for (int n = 0; n < MOST; n++)
    if (pids[n]) tst_check(WEXITSTATUS(tst_reap(pids[n])) == n + 1, "child %d ends wrongly", n);
  return tst_pass();
}
