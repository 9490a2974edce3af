// zdtm: {"category": "pidfd", "verifies": "a descriptor fetched from another task by its pidfd is still the same open file as that task's"}
#include "tst.h"

#include <linux/kcmp.h>
#include <sys/pidfd.h>

static tst_step *step;
static int *number;

static int child(void *unused) {
  (void)unused;
  *number = tst_sys(open("file", O_RDWR | O_CREAT, 0600));
  tst_sys(write(*number, "abcdef", 6));
  tst_set(step, 1);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  number = tst_shared(4096);
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  int pidfd = tst_sys(pidfd_open(pid, 0)), fd = tst_sys(pidfd_getfd(pidfd, *number, 0));
  tst_sys(lseek(fd, 2, SEEK_SET));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("file", O_RDWR));
  tst_check(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, fd, *number) == 0, "the two are not one open file");
  tst_check(lseek(fd, 0, SEEK_CUR) == 2, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  int again = tst_sys(pidfd_getfd(pidfd, *number, 0));
  tst_check(syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, again) == 0, "a new one is another file");
  return tst_pass();
}
