// zdtm: {"category": "process-tree", "verifies": "a task may share the descriptors of one and the working directory of another task of the tree"}
#include "tst.h"

static struct {
  tst_step go[3], done[3];
} *steps;

static int serve(int n) {
  for (int turn = 1;; turn++) {
    tst_await(&steps->go[n], turn);
    if (n == 1) {
      tst_sys(dup2(1, 90));
      tst_sys(chdir("one"));
    } else {
      char path[PATH_MAX];
      tst_check(getcwd(path, sizeof(path)), "getcwd");
      bool moved = strstr(path, "/one"), open = fcntl(90, F_GETFD) >= 0;
      tst_check(moved == (n == 2) && open == (n == 0), "task %d: in %s, descriptor %d", n, path, open);
    }
    tst_set(&steps->done[n], turn);
  }
}

static pid_t clone_with(unsigned long flags, int n) {
  pid_t pid = tst_sys((pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
  if (pid == 0) _exit(serve(n));
  return pid;
}

/* Task 0 shares its table with task 1, which shares its directory with task 2. */
static int first(void *unused) {
  (void)unused;
  pid_t second = tst_sys((pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
  if (second == 0) {
    clone_with(CLONE_FS, 2);
    _exit(serve(1));
  }
  return serve(0);
}

int main(void) {
  tst_begin();
  steps = tst_shared(sizeof(*steps));
  tst_sys(mkdir("one", 0755));
  tst_child(first, NULL);
  tst_ready();
  int sequence[] = {1, 0, 2};
  for (int i = tst_spoiling(); i < 3; i++) {
    int n = sequence[i];
    tst_set(&steps->go[n], 1);
    tst_await(&steps->done[n], 1);
  }
  return tst_pass();
}
