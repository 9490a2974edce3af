// zdtm: {"category": "pidfd", "verifies": "two pidfds each of two processes that are gone: dead, equal among themselves, different from the others"}
#include "gone.h"

int main(void) {
  tst_begin();
  int one = gone_pidfd(), two = gone_pidfd();
  char path[64];
  int one_again = tst_sys(dup(one)), two_again = tst_sys(dup(two));
  snprintf(path, sizeof(path), "/proc/self/fd/%d", one);
  tst_ready();
  TST_SPOIL two_again = one_again;
  int all[] = {one, two, one_again, two_again};
  for (int i = 0; i < 4; i++) gone_check(all[i]);
  tst_check(gone_inode(one) == gone_inode(one_again), "the first process has become two");
  tst_check(gone_inode(two) == gone_inode(two_again), "the second process has become two");
  tst_check(gone_inode(one) != gone_inode(two), "the two processes have become one");
  return tst_pass();
}
