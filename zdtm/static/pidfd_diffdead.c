// zdtm: {"category": "pidfd", "verifies": "pidfds that two tasks opened by themselves on one process, now gone, are still of one process"}
#include "gone.h"

static tst_step *step;
static ino_t *inode;
static pid_t target;

static int child(void *unused) {
  (void)unused;
  int fd = tst_sys(pidfd_open(target, 0));
  tst_set(step, 1);
  tst_await(step, 2);
  gone_check(fd);
  *inode = gone_inode(fd);
  tst_set(step, 3);
  return 0;
}

static int sleeper(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  inode = tst_shared(4096);
  target = tst_child(sleeper, NULL);
  int fd = tst_sys(pidfd_open(target, 0));
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_end(target);
  tst_ready();
  TST_SPOIL fd = gone_pidfd();
  gone_check(fd);
  tst_set(step, 2);
  tst_await(step, 3);
  tst_check(*inode == gone_inode(fd), "the process has become two: %lu and %lu", (unsigned long)*inode,
            (unsigned long)gone_inode(fd));
  return tst_pass();
}
