// zdtm: {"category": "process-tree", "refused": "trac", "verifies": "a tree in which one task traces another cannot be saved: the dump says so, and both go on"}
#include "tst.h"

#include <sys/ptrace.h>

static tst_step *go;

static int child(void *unused) {
  (void)unused;
  tst_await(go, 1);
  return 12;
}

int main(void) {
  tst_begin();
  go = tst_new_step();
  pid_t pid = tst_child(child, NULL);
  tst_sys(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
  tst_ready();
  tst_check(tst_status(pid, "TracerPid", 10) == getpid(), "the child is not traced any more");
  tst_set(go, 1);
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 12, "the child ends with 0x%x", status);
  return tst_pass();
}
