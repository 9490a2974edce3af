// zdtm: {"category": "files", "verifies": "a task in a root of its own keeps a descriptor of a file that lies outside"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  int fd = tst_sys(open("outside", O_RDWR));
  tst_sys(chroot("inside"));
  tst_sys(chdir("/"));
  tst_set(step, 1);
  tst_await(step, 2);
  char text[16] = {0};
  tst_check(pread(fd, text, 15, 0) == 4 && !strcmp(text, "here"), "the file holds %s", text);
  tst_check(access("/outside", F_OK) == -1, "the file is inside");
  tst_sys(pwrite(fd, "gone", 4, 0));
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(mkdir("inside", 0755));
  int fd = tst_sys(open("outside", O_CREAT | O_RDWR, 0644));
  tst_sys(write(fd, "here", 4));
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(pwrite(fd, "lost", 4, 0));
  tst_set(step, 2);
  /* A child that fails cannot leave its verdict from inside its root. */
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child failed, see the output");
  char text[16] = {0};
  tst_check(pread(fd, text, 15, 0) == 4 && !strcmp(text, "gone"), "the parent's file holds %s", text);
  return tst_pass();
}
