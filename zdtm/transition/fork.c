// zdtm: {"category": "process-tree", "verifies": "a task that forks and reaps without end loses no child and sees none end wrongly"}
#include "tst.h"

static int child(void *code) { return (int)(intptr_t)code; }

int main(void) {
  tst_begin();
  tst_mark_ready();
  for (int turn = 0; tst_going(); turn++) {
    pid_t pids[4];
    for (int i = 0; i < 4; i++) pids[i] = tst_child(child, (void *)(intptr_t)((turn + i) % 200));
    TST_SPOIL kill(pids[2], SIGKILL);
    for (int i = 0; i < 4; i++) {
      int status = tst_reap(pids[i]);
      tst_check(WIFEXITED(status) && WEXITSTATUS(status) == (turn + i) % 200, "child %d of turn %d ends with 0x%x", i, turn, status);
    }
  }
  tst_check(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a child is left over");
  return tst_pass();
}
