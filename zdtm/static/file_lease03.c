// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a lease that is being broken is held by all descriptors of the open file, in a child too"}
#include "leases.h"

static int fd, other;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_check(fcntl(other, F_GETLEASE) == F_RDLCK, "the child sees %d", fcntl(other, F_GETLEASE));
  tst_sys(fcntl(other, F_SETLEASE, F_UNLCK));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = lease_take("file", O_RDWR, F_WRLCK);
  other = tst_sys(dup(fd));
  tst_child(child, NULL);
  tst_check(lease_refuses("file", O_RDONLY) && lease_told() == fd, "the lease is not broken");
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fd, F_SETLEASE, F_UNLCK));
  tst_check(fcntl(fd, F_GETLEASE) == F_RDLCK && fcntl(other, F_GETLEASE) == F_RDLCK, "the lease is %d and %d",
            fcntl(fd, F_GETLEASE), fcntl(other, F_GETLEASE));
  tst_check(lease_refuses("file", O_RDONLY), "the lease is not in the way any more");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(fcntl(fd, F_GETLEASE) == F_UNLCK && !lease_refuses("file", O_RDWR), "the child gave up another lease");
  return tst_pass();
}
