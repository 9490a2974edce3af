// zdtm: {"category": "epoll-fsnotify", "verifies": "a semaphore eventfd counts down by one, a full one refuses, one shared over fork is one"}
#include "tst.h"

#include <sys/eventfd.h>

static int shared;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_sys(write(shared, &(uint64_t){5}, 8));
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int semaphore = tst_sys(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK)), full = tst_sys(eventfd(0, EFD_NONBLOCK)),
      empty = tst_sys(eventfd(0, EFD_NONBLOCK));
  uint64_t most = UINT64_MAX - 1, is;
  tst_sys(write(full, &most, 8));
  shared = tst_sys(eventfd(10, 0));
  tst_child(child, NULL);
  tst_ready();
  TST_SPOIL tst_sys(read(semaphore, &is, 8));
  for (int i = 0; i < 3; i++) tst_check(read(semaphore, &is, 8) == 8 && is == 1, "the semaphore gives %lu", (unsigned long)is);
  tst_check(read(semaphore, &is, 8) == -1 && errno == EAGAIN, "the semaphore gives too often");
  tst_check(write(full, &(uint64_t){1}, 8) == -1 && errno == EAGAIN, "the full one takes more");
  tst_check(read(full, &is, 8) == 8 && is == most, "the full one gives %lx", (unsigned long)is);
  tst_check(read(empty, &is, 8) == -1 && errno == EAGAIN, "the empty one gives");
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(read(shared, &is, 8) == 8 && is == 15, "the shared one gives %lu", (unsigned long)is);
  return tst_pass();
}
