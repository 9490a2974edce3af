// zdtm: {"category": "epoll-fsnotify", "verifies": "an epoll that two tasks share stays one: what one adds the other sees, and a target closed by one lives on by the other"}
#include "tst.h"

#include <sys/epoll.h>

static tst_step *step;
static int poll, ends[2], more[2];

static int child(void *unused) {
  (void)unused;
  close(ends[0]);
  tst_set(step, 1);
  tst_await(step, 2);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 2};
  tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, more[0], &event));
  tst_sys(write(more[1], "x", 1));
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  poll = tst_sys(epoll_create1(0));
  tst_sys(pipe(ends));
  tst_sys(pipe(more));
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 1};
  tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event));
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_await(step, 3);
  TST_SPOIL tst_sys(epoll_ctl(poll, EPOLL_CTL_DEL, more[0], NULL));
  tst_check(epoll_wait(poll, &event, 1, 0) == 1 && event.data.u32 == 2, "what the child added is not there");
  char byte;
  tst_sys(read(more[0], &byte, 1));
  tst_sys(write(ends[1], "x", 1));
  tst_check(epoll_wait(poll, &event, 1, 0) == 1 && event.data.u32 == 1, "the old target does not tell");
  return tst_pass();
}
