// zdtm: {"category": "pidfd", "refused": "thread", "verifies": "a pidfd of a single thread is refused by name, and goes on working"}
#include "tst.h"

#include <sys/pidfd.h>

static tst_step *step;

static void *other(void *unused) {
  tst_set(step, gettid());
  tst_await(step, INT_MAX);
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  int fd = pidfd_open(step->value, O_EXCL /* PIDFD_THREAD */);
  if (fd < 0) tst_skip("the kernel has no pidfds of threads");
  tst_ready();
  TST_SPOIL close(fd);
  tst_check(pidfd_send_signal(fd, 0, NULL, 0) == 0, "the thread cannot be signalled: %s", strerror(errno));
  tst_set(step, INT_MAX);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
