// zdtm: {"category": "uring", "verifies": "a thread that waits for the answers of an io_uring, and an epoll that watches another one, learn of the next", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "uring.h"

#include <sys/epoll.h>

static struct uring shared;
static tst_step *step;

static void *waiter(void *nothing) {
  tst_set(step, 1);
  tst_check(uring_enter(&shared, 0, 1) == 0, "cannot wait for an answer: %s", strerror(errno));
  uring_answer(&shared, 7, 0);
  tst_set(step, 2);
  return nothing;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = uring_new(8, 0);
  struct uring own = uring_new(4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  int epoll = tst_sys(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = 0x0123}};
  tst_sys(epoll_ctl(epoll, EPOLL_CTL_ADD, own.fd, &event));
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, waiter, NULL));
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(epoll_ctl(epoll, EPOLL_CTL_DEL, own.fd, NULL));
  uring_put(&shared, IORING_OP_NOP, -1, 7);
  tst_check(uring_enter(&shared, 1, 0) == 1, "it takes no request: %s", strerror(errno));
  tst_await(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  tst_check(epoll_wait(epoll, &event, 1, 0) == 0, "there are answers already");
  uring_put(&own, IORING_OP_NOP, -1, 8);
  tst_check(uring_enter(&own, 1, 1) == 1, "it takes no request of its owner: %s", strerror(errno));
  tst_check(epoll_wait(epoll, &event, 1, 0) == 1 && event.data.u64 == 0x0123, "the epoll does not know of the answer");
  uring_answer(&own, 8, 0);
  return tst_pass();
}
