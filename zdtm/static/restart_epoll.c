// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "epoll_wait goes on: it ends by its event or its time, not with EINTR"}
#include "blocked.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int event, set, empty;

static void __attribute__((constructor)) make(void) {
  struct epoll_event interest = {.events = EPOLLIN, .data.u64 = 5};
  event = tst_sys(eventfd(0, 0));
  set = tst_sys(epoll_create1(0));
  empty = tst_sys(epoll_create1(0));
  tst_sys(epoll_ctl(set, EPOLL_CTL_ADD, event, &interest));
}

static long waits(void) {
  struct epoll_event got = {0};
  int count = epoll_wait(set, &got, 1, -1);
  return count == 1 ? (long)got.data.u64 : count;
}
static void wake(void) { tst_sys(eventfd_write(event, 1)); }

static long waits_for_a_time(void) {
  struct epoll_event got;
  return epoll_wait(empty, &got, 1, 2000);
}

static const blocked table[] = {
    {"epoll_wait", waits, wake, 5, 0},
    {"epoll_wait for two seconds", waits_for_a_time, NULL, 0, 2.0},
};

BLOCKED_MAIN(table)
