// zdtm: {"category": "misc", "verifies": "the mask for new files comes back, in each process its own"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  umask(0);
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(umask(0) == 0, "the child's mask is wrong");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  umask(0345);
  tst_ready();
  TST_SPOIL umask(0344);
  struct stat made;
  tst_sys(fstat(tst_sys(open("new", O_CREAT | O_WRONLY, 0777)), &made));
  tst_check((made.st_mode & 0777) == (0777 & ~0345), "a new file has mode %o", made.st_mode);
  tst_check(umask(0) == 0345, "the mask is wrong");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
