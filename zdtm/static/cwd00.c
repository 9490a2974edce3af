// zdtm: {"category": "files", "verifies": "the current directory is the same one, in each task its own"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  char was[PATH_MAX], is[PATH_MAX];
  tst_sys(chdir("b"));
  tst_check(getcwd(was, sizeof(was)), "getcwd");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(getcwd(is, sizeof(is)) && !strcmp(was, is), "the child is in %s, was in %s", is, was);
  tst_check(access("in_b", F_OK) == 0, "the child's directory is another");
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  char was[PATH_MAX], is[PATH_MAX];
  tst_sys(mkdir("a", 0755));
  tst_sys(mkdir("b", 0755));
  close(tst_sys(open("b/in_b", O_CREAT | O_WRONLY, 0644)));
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_sys(chdir("a"));
  tst_check(getcwd(was, sizeof(was)), "getcwd");
  tst_ready();
  TST_SPOIL tst_sys(chdir("/"));
  tst_check(getcwd(is, sizeof(is)) && !strcmp(was, is), "the parent is in %s, was in %s", is, was);
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
