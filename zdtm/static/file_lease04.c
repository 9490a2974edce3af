// zdtm: {"category": "locks", "opts": ["--file-locks"], "verifies": "a lease that is being broken lives on in the child when its owner has closed its descriptor"}
#include "leases.h"

static int fd;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_check(fcntl(fd, F_GETLEASE) == F_UNLCK, "the child sees %d", fcntl(fd, F_GETLEASE));
  tst_sys(fcntl(fd, F_SETLEASE, F_UNLCK));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  fd = lease_take("file", O_RDWR, F_WRLCK);
  tst_child(child, NULL);
  tst_check(lease_refuses("file", O_WRONLY) && lease_told() == fd, "the lease is not broken");
  close(fd);
  tst_ready();
  TST_SPOIL tst_set(step, 1);
  TST_SPOIL tst_await(step, 2);
  tst_check(lease_refuses("file", O_RDONLY), "the lease is not in the way any more");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(!lease_refuses("file", O_RDWR), "the child gave up another lease");
  return tst_pass();
}
