// zdtm: {"category": "epoll-fsnotify", "verifies": "two epolls over many pipes, some watched by numbers that were closed since, tell of the same pipes with the same data"}
#include "tst.h"

#include <sys/epoll.h>

enum { PIPES = 125 };

int main(void) {
  tst_begin();
  int ends[PIPES][2], polls[2] = {tst_sys(epoll_create1(0)), tst_sys(epoll_create1(EPOLL_CLOEXEC))};
  for (int i = 0; i < PIPES; i++) {
    tst_sys(pipe(ends[i]));
    for (int p = 0; p < 2; p++) {
      struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x100000000UL * (unsigned)(p + 1) + (unsigned)i};
      int watched = i % 5 == 3 && p ? tst_sys(dup(ends[i][0])) : ends[i][0];
      tst_sys(epoll_ctl(polls[p], EPOLL_CTL_ADD, watched, &event));
      if (watched != ends[i][0]) close(watched);
    }
  }
  for (int i = 0; i < PIPES; i += 3) tst_sys(write(ends[i][1], "x", 1));
  tst_ready();
  TST_SPOIL tst_sys(write(ends[1][1], "x", 1));
  for (int p = 0; p < 2; p++) {
    struct epoll_event events[PIPES];
    bool seen[PIPES] = {0};
    int count = tst_sys(epoll_wait(polls[p], events, PIPES, 0));
    tst_check(count == (PIPES + 2) / 3, "epoll %d tells of %d pipes", p, count);
    for (int i = 0; i < count; i++) {
      uint64_t nth = events[i].data.u64 - 0x100000000UL * (unsigned)(p + 1);
      tst_check(nth < PIPES && nth % 3 == 0 && !seen[nth], "epoll %d tells of %lx", p, (unsigned long)events[i].data.u64);
      tst_check(events[i].events == EPOLLIN, "epoll %d tells of events %x", p, events[i].events);
      seen[nth] = true;
    }
  }
  return tst_pass();
}
