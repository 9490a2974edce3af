// zdtm: {"category": "process-tree", "verifies": "a subreaper adopts the orphans of a child that existed before"}
#include "tst.h"

static struct {
  tst_step ready;
  pid_t grandchild;
} *shared;

static int grandchild(void *unused) {
  (void)unused;
  tst_set(&shared->ready, 1);
  tst_sleep();
}

static int child(void *unused) {
  (void)unused;
  shared->grandchild = tst_child(grandchild, NULL);
  tst_sleep();
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t pid = tst_child(child, NULL);
  tst_await(&shared->ready, 1);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 0));
  tst_end(pid);
  long parent = tst_status(shared->grandchild, "PPid", 10);
  tst_check(parent == getpid(), "the orphan has parent %ld", parent);
  tst_end(shared->grandchild);
  return tst_pass();
}
