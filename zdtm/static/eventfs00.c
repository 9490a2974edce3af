// zdtm: {"category": "epoll-fsnotify", "verifies": "an eventfd keeps its count and flags, alone and under an epoll"}
#include "tst.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void) {
  tst_begin();
  int fd = tst_sys(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), poll = tst_sys(epoll_create1(0));
  uint64_t big = 0x123456789abcdefUL, is = 0;
  tst_sys(write(fd, &big, sizeof(big)));
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 9};
  tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event));
  tst_ready();
  TST_SPOIL tst_sys(write(fd, &(uint64_t){1}, 8));
  tst_check(epoll_wait(poll, &event, 1, 0) == 1 && event.data.u32 == 9, "the epoll does not tell");
  tst_check(read(fd, &is, sizeof(is)) == 8 && is == big, "the count is %lx", (unsigned long)is);
  tst_check(read(fd, &is, sizeof(is)) == -1 && errno == EAGAIN, "the count is not taken");
  tst_check(epoll_wait(poll, &event, 1, 0) == 0, "the epoll still tells");
  tst_check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
  return tst_pass();
}
