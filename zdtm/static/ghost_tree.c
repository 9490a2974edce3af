// zdtm: {"category": "files", "verifies": "deleted files held by several tasks, each by its own opening, are one file with two positions"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  int fd = tst_sys(open("ghost", O_RDWR));
  tst_sys(lseek(fd, 3, SEEK_SET));
  tst_set(step, 1);
  tst_await(step, 2);
  char text[16] = {0};
  tst_check(read(fd, text, 15) == 5 && !strcmp(text, "DEFgh"), "the child reads %s", text);
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int fd = tst_sys(open("ghost", O_RDWR | O_CREAT, 0644));
  tst_sys(write(fd, "abcdefgh", 8));
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_sys(unlink("ghost"));
  tst_ready();
  tst_check(lseek(fd, 0, SEEK_CUR) == 8, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_sys(pwrite(fd, tst_spoiling() ? "def" : "DEF", 3, 3));
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
