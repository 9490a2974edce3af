// zdtm: {"category": "time", "needs": ["root"], "verifies": "a time namespace into which the next children will be born, and nobody was yet, is there afterwards, with clocks that go on"}
#include "pidns.h"

static int tells(void *argument) {
  tst_sys(clock_gettime(CLOCK_MONOTONIC, argument));
  return 0;
}

int main(void) {
  tst_begin();
  if (!pidns_of(getpid(), "time")) tst_skip("this kernel has no time namespaces");
  struct timespec *theirs = tst_shared(tst_page()), ours;
  tst_sys(unshare(CLONE_NEWTIME));
  int fd = tst_sys(open("/proc/self/timens_offsets", O_WRONLY));
  tst_sys(write(fd, "monotonic 500000 0\n", 19));
  close(fd);
  tst_ready();
  TST_SPOIL {
    fd = tst_sys(open("/proc/self/ns/time", O_RDONLY));
    tst_sys(setns(fd, CLONE_NEWTIME));
    close(fd);
  }
  tst_check(pidns_of(getpid(), "time") != pidns_of(getpid(), "time_for_children"), "the next child is born at home");
  tst_check(tst_reap(tst_child(tells, theirs)) == 0, "the child fails");
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &ours));
  long ahead = theirs->tv_sec - ours.tv_sec;
  tst_check(ahead > 450000 && ahead < 550000, "the child's clock is %ld s ahead", ahead);
  return tst_pass();
}
