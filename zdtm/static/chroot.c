// zdtm: {"category": "files", "verifies": "a task in a root of its own stays in it, and opens files there; its parent stays outside"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_sys(chroot("inside"));
  tst_sys(chdir("/sub"));
  int fd = tst_sys(open("/sub/file", O_RDONLY));
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(chroot("/sub"));
  struct stat a, b;
  tst_check(stat("/sub/file", &a) == 0 && access("/etc", F_OK) == -1, "the root of the child is another");
  tst_sys(fstat(fd, &b));
  tst_check(a.st_ino == b.st_ino, "the file is another");
  tst_check(access("file", F_OK) == 0, "the current directory of the child is another");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(mkdir("inside", 0755));
  tst_sys(mkdir("inside/sub", 0755));
  close(tst_sys(open("inside/sub/file", O_CREAT | O_WRONLY, 0644)));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_check(access("/etc", F_OK) == 0, "the parent is in the child's root");
  tst_set(step, 2);
  /* A child that fails cannot leave its verdict from inside its root. */
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child failed, see the output");
  return tst_pass();
}
