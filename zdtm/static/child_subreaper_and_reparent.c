// zdtm: {"category": "process-tree", "verifies": "an orphan that a subreaper below the first task has adopted is still its child"}
#include "tst.h"

static struct {
  tst_step ready, check;
  pid_t orphan;
} *shared;

static int orphan(void *unused) {
  (void)unused;
  tst_sleep();
}

static int between(void *unused) {
  (void)unused;
  shared->orphan = tst_child(orphan, NULL);
  return 0;
}

static int subreaper(void *unused) {
  (void)unused;
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  tst_reap(tst_child(between, NULL));
  tst_set(&shared->ready, 1);
  tst_await(&shared->check, 1);
  TST_SPOIL kill(shared->orphan, SIGKILL), tst_reap(shared->orphan);
  long parent = tst_status(shared->orphan, "PPid", 10);
  tst_check(parent == getpid(), "the orphan has parent %ld", parent);
  tst_end(shared->orphan);
  /* Still a subreaper? */
  tst_reap(tst_child(between, NULL));
  parent = tst_status(shared->orphan, "PPid", 10);
  tst_check(parent == getpid(), "the second orphan has parent %ld", parent);
  tst_end(shared->orphan);
  return 17;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pid_t pid = tst_child(subreaper, NULL);
  tst_await(&shared->ready, 1);
  tst_ready();
  tst_set(&shared->check, 1);
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 17, "the subreaper ends with 0x%x", status);
  return tst_pass();
}
