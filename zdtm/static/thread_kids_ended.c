// zdtm: {"category": "pidns", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "verifies": "a thread whose next children would be born where the init has ended is refused, and goes on", "refused": "would be born where the init has ended", "spoils": true}
#include "thread_kids.h"

static int kid(void *unused) {
  (void)unused;
  _exit(0);
}

static void *leaves(void *unused) {
  pid_t pid = thread_kids_leave(CLONE_NEWPID, kid);
  tst_reap(pid);
  thread_kids_stay();
  tst_check(fork() < 0 && errno == ENOMEM, "%d: the namespace is another one", pid);
  return unused;
}

int main(void) { return thread_kids_main(leaves); }
