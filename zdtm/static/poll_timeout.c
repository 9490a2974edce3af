// zdtm: {"category": "epoll-fsnotify", "except": {"memory": "the kernel writes what is left of the time when a wait is interrupted"}, "verifies": "waits with a timeout that nothing ends return zero when their time is over, not earlier"}
#include "tst.h"

#include <poll.h>
#include <sys/epoll.h>

static tst_step *step, *over;
static int ends[2];
enum { MILLISECONDS = 500 };

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void *waiter(void *number) {
  int way = (int)(intptr_t)number, got = -1, poll_fd = tst_sys(epoll_create1(0));
  struct pollfd event = {.fd = ends[0], .events = POLLIN};
  struct epoll_event told;
  int64_t begun = now();
  __atomic_add_fetch(&step->value, 1, __ATOMIC_SEQ_CST);
  if (way == 0) got = poll(&event, 1, MILLISECONDS);
  if (way == 1) got = epoll_wait(poll_fd, &told, 1, MILLISECONDS);
  if (way == 2) got = ppoll(&event, 1, &(struct timespec){0, MILLISECONDS * 1000000}, NULL);
  int64_t went = now() - begun;
  TST_SPOIL got = way == 1 ? -1 : 0;
  tst_check(got == 0, "way %d gives %d", way, got);
  tst_check(went >= MILLISECONDS - 2, "way %d returned after %ld ms", way, (long)went);
  tst_await(over, 1);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  over = tst_new_step();
  tst_sys(pipe(ends));
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) tst_pthread(pthread_create(&threads[i], NULL, waiter, (void *)(intptr_t)i));
  tst_until(__atomic_load_n(&step->value, __ATOMIC_SEQ_CST) == 3, "the threads do not come");
  tst_ready();
  tst_set(over, 1);
  for (int i = 0; i < 3; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
