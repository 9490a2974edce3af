// zdtm: {"category": "pidns", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "verifies": "a thread whose next children would be born into a time namespace in which a child of it lives already is refused, and goes on", "refused": "would be born into a time namespace that others have", "spoils": true}
#include "thread_kids.h"

static int kid(void *unused) {
  (void)unused;
  tst_sleep();
}

static void *leaves(void *unused) {
  pid_t pid = thread_kids_leave(CLONE_NEWTIME, kid);
  thread_kids_stay();
  tst_check(!kill(pid, 0), "%d: the namespace is another one", pid);
  return unused;
}

int main(void) { return thread_kids_main(leaves); }
