// zdtm: {"category": "epoll-fsnotify", "verifies": "targets watched under one number that was used again and again are still the pipes they were"}
#include "tst.h"

#include <sys/epoll.h>

enum { PIPES = 6 };

int main(void) {
  tst_begin();
  int ends[PIPES][2], poll = tst_sys(epoll_create1(0));
  for (int i = 0; i < PIPES; i++) {
    tst_sys(pipe(ends[i]));
    tst_sys(dup2(ends[i][0], 500));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)i << 40};
    tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, 500, &event));
  }
  close(500);
  tst_ready();
  TST_SPOIL tst_sys(dup2(ends[1][1], ends[4][1]));
  for (int i = 0; i < PIPES; i++) {
    struct epoll_event event;
    char byte;
    tst_check(epoll_wait(poll, &event, 1, 0) == 0, "before pipe %d there is an event", i);
    tst_sys(write(ends[i][1], "x", 1));
    tst_check(epoll_wait(poll, &event, 1, 0) == 1 && event.data.u64 == (uint64_t)i << 40, "pipe %d is told as %lx", i,
              (unsigned long)event.data.u64);
    tst_sys(read(ends[i][0], &byte, 1));
  }
  return tst_pass();
}
