// zdtm: {"category": "process-tree", "dumpOpts": ["--timeout", "1"], "refused": "address space|vfork", "except": {"memory": "the child in vfork writes it"}, "verifies": "a parent suspended in vfork cannot be saved: the dump says so, and both go on"}
#include "tst.h"

static volatile int changed;

int main(void) {
  tst_begin();
  pid_t pid = vfork();
  if (pid == 0) {
    tst_mark_ready();
    /* The word to go on waits for the parent, which cannot take it. */
    while (!(tst_status(getppid(), "ShdPnd", 16) & 1L << (SIGTERM - 1))) tst_nap();
    changed = 7;
    _exit(11);
  }
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 11, "the child ends with 0x%x", status);
  tst_check(changed == 7, "the child's write is not seen");
  return tst_pass();
}
