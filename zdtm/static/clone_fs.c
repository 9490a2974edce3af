// zdtm: {"category": "process-tree", "verifies": "tasks made with CLONE_FS still share working directory and umask, others have their own"}
#include "tst.h"

static struct {
  tst_step go, done;
} *steps;

static char *here(void) {
  static char path[PATH_MAX];
  tst_check(getcwd(path, sizeof(path)), "getcwd");
  return path;
}

static int serve(int n) {
  tst_await(&steps[n].go, 1);
  if (n == 0) {
    tst_sys(chdir("inside"));
    umask(0135);
  } else {
    tst_check(!strstr(here(), "inside"), "the task with its own fs has been moved");
    tst_check(umask(0) == 027, "the task with its own fs has another umask");
  }
  tst_set(&steps[n].done, 1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  steps = tst_shared(2 * sizeof(*steps));
  tst_sys(mkdir("inside", 0755));
  umask(027);
  pid_t sharing = tst_sys((pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0));
  if (sharing == 0) _exit(serve(0));
  pid_t own = tst_sys(fork());
  if (own == 0) _exit(serve(1));
  tst_ready();
  TST_SPOIL tst_sys(unshare(CLONE_FS));
  tst_set(&steps[0].go, 1);
  tst_await(&steps[0].done, 1);
  tst_check(strstr(here(), "/inside"), "the directory is %s: no longer shared", here());
  tst_check(umask(0) == 0135, "the umask is no longer shared");
  tst_set(&steps[1].go, 1);
  tst_until(steps[1].done.value == 1 || tst_state(own) == 'Z', "the other task does not answer");
  tst_check(steps[1].done.value == 1, "the other task has failed");
  tst_end(sharing);
  tst_end(own);
  return tst_pass();
}
