// zdtm: {"category": "files", "verifies": "a deleted file shared over fork: what the child writes the parent reads"}
#include "tst.h"

static tst_step *step;
static int fd;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_sys(write(fd, " by the child", 13));
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  tst_sys(unlink("file"));
  pid_t pid = tst_child(child, NULL);
  tst_sys(write(fd, "written", 7));
  tst_ready();
  TST_SPOIL tst_sys(lseek(fd, 0, SEEK_SET));
  tst_set(step, 1);
  tst_reap(pid);
  char text[32] = {0};
  tst_check(lseek(fd, 0, SEEK_CUR) == 20, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_check(pread(fd, text, 31, 0) == 20 && !strcmp(text, "written by the child"), "the file holds %s", text);
  return tst_pass();
}
