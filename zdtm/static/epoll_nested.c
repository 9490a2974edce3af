// zdtm: {"category": "epoll-fsnotify", "verifies": "an epoll in an epoll in an epoll tells through all of them"}
#include "tst.h"

#include <sys/epoll.h>

int main(void) {
  tst_begin();
  int ends[2], polls[4];
  struct epoll_event event;
  tst_sys(pipe(ends));
  for (int i = 0; i < 4; i++) polls[i] = tst_sys(epoll_create1(0));
  /* The outer ones have lower numbers than the inner ones, and one inner one has two outer ones. */
  static const int links[][2] = {{0, 1}, {1, 2}, {3, 2}};
  for (int i = 0; i < 3; i++) {
    event = (struct epoll_event){.events = EPOLLIN, .data.u32 = 100u + (unsigned)i};
    tst_sys(epoll_ctl(polls[links[i][0]], EPOLL_CTL_ADD, polls[links[i][1]], &event));
  }
  event = (struct epoll_event){.events = EPOLLIN, .data.u32 = 7};
  tst_sys(epoll_ctl(polls[2], EPOLL_CTL_ADD, ends[0], &event));
  tst_ready();
  tst_check(epoll_wait(polls[0], &event, 1, 0) == 0, "there is an event without a cause");
  TST_SPOIL tst_sys(epoll_ctl(polls[1], EPOLL_CTL_DEL, polls[2], NULL));
  tst_sys(write(ends[1], "x", 1));
  static const unsigned should[] = {100, 101, 7, 102};
  for (int i = 0; i < 4; i++)
    tst_check(epoll_wait(polls[i], &event, 1, 0) == 1 && event.data.u32 == should[i], "epoll %d tells %u", i,
              event.data.u32);
  return tst_pass();
}
