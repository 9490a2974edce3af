// zdtm: {"category": "process-tree", "verifies": "tasks made with CLONE_FILES still share one descriptor table, also with a grandchild, and others have their own"}
#include "tst.h"

static struct {
  tst_step go[3], done[3];
} *steps;

static pid_t clone_with(unsigned long flags) { return tst_sys((pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)); }

static int serve(int n) {
  if (n == 0 && clone_with(CLONE_FILES) == 0) _exit(serve(1));
  for (int turn = 1; turn <= 2; turn++) {
    tst_await(&steps->go[n], turn);
    if (n < 2 && turn == 1) tst_check(dup2(1, 100 + n) == 100 + n, "task %d cannot make a descriptor", n);
    if (n == 2) tst_check(fcntl(100, F_GETFD) == -1 && fcntl(101, F_GETFD) == -1, "the own table has shared descriptors");
    if (turn == 2) tst_check((fcntl(77, F_GETFD) == -1) == (n < 2), "task %d does not follow a close", n);
    tst_set(&steps->done[n], turn);
  }
  tst_sleep();
}

int main(void) {
  tst_begin();
  steps = tst_shared(sizeof(*steps));
  tst_sys(dup2(0, 77));
  if (clone_with(CLONE_FILES) == 0) _exit(serve(0));
  if (clone_with(0) == 0) _exit(serve(2));
  tst_ready();
  TST_SPOIL tst_sys(unshare(CLONE_FILES));
  for (int n = 0; n < 3; n++) {
    tst_set(&steps->go[n], 1);
    tst_await(&steps->done[n], 1);
    if (n < 2) tst_check(fcntl(100 + n, F_GETFD) >= 0, "the descriptor of task %d is not seen", n);
  }
  close(77);
  for (int n = 0; n < 3; n++) {
    tst_set(&steps->go[n], 2);
    tst_await(&steps->done[n], 2);
  }
  return tst_pass();
}
