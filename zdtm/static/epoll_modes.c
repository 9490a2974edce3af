// zdtm: {"category": "epoll-fsnotify", "verifies": "edge triggered, one-shot, used up one-shot and exclusive targets keep their kind and data"}
#include "tst.h"

#include <sys/epoll.h>

enum { KINDS = 5 };

int main(void) {
  tst_begin();
  static const uint32_t kinds[KINDS] = {EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLONESHOT,
                                        EPOLLIN | EPOLLEXCLUSIVE, EPOLLIN | EPOLLPRI | EPOLLRDHUP};
  int ends[KINDS][2], polls[KINDS];
  char byte;
  struct epoll_event event;
  for (int i = 0; i < KINDS; i++) {
    tst_sys(pipe(ends[i]));
    polls[i] = tst_sys(epoll_create1(0));
    event = (struct epoll_event){.events = kinds[i], .data.u64 = 0xabcdef0000000000UL + (unsigned)i};
    tst_sys(epoll_ctl(polls[i], EPOLL_CTL_ADD, ends[i][0], &event));
  }
  tst_sys(write(ends[2][1], "x", 1));
  tst_check(epoll_wait(polls[2], &event, 1, 0) == 1, "the one shot");
  tst_sys(read(ends[2][0], &byte, 1));
  tst_ready();
  for (int i = 0; i < KINDS; i++) tst_sys(write(ends[i][1], "x", 1));
  TST_SPOIL {
    event.events = EPOLLIN;
    tst_sys(epoll_ctl(polls[2], EPOLL_CTL_MOD, ends[2][0], &event));
  }
  for (int i = 0; i < KINDS; i++) {
    /* A first and a second look at a pipe that nobody reads in between. */
    int first = epoll_wait(polls[i], &event, 1, 0);
    tst_check(first == (i == 2 ? 0 : 1), "kind %d: the first look gives %d", i, first);
    if (first) tst_check(event.data.u64 == 0xabcdef0000000000UL + (unsigned)i, "kind %d has other data", i);
    int second = epoll_wait(polls[i], &event, 1, 0);
    tst_check(second == (i >= 3 ? 1 : 0), "kind %d: the second look gives %d", i, second);
  }
  return tst_pass();
}
