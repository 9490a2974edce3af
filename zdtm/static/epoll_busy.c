// zdtm: {"category": "epoll-fsnotify", "verifies": "an epoll that polls network devices by itself keeps how long, how much, and whether before all else"}
#include "tst.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

/* struct epoll_params of linux/eventpoll.h, which older headers lack. */
struct params {
  uint32_t microseconds;
  uint16_t packets;
  uint8_t first, unused;
};
#define SET_PARAMS _IOW(0x8a, 1, struct params)
#define GET_PARAMS _IOR(0x8a, 2, struct params)

int main(void) {
  tst_begin();
  int busy = tst_sys(epoll_create1(0)), plain = tst_sys(epoll_create1(EPOLL_CLOEXEC)), both = tst_sys(dup(busy));
  struct params params = {.microseconds = 70, .packets = 16, .first = 1};
  if (ioctl(busy, SET_PARAMS, &params)) tst_skip("the kernel has no polling by epolls (Linux 6.9)");
  tst_ready();
  TST_SPOIL {
    params.packets = 17;
    tst_sys(ioctl(busy, SET_PARAMS, &params));
  }
  tst_sys(ioctl(both, GET_PARAMS, &params));
  tst_check(params.microseconds == 70 && params.packets == 16 && params.first == 1, "it polls %u us, %u packets, %u",
            params.microseconds, params.packets, params.first);
  tst_sys(ioctl(plain, GET_PARAMS, &params));
  tst_check(params.microseconds == 0 && params.packets == 0 && params.first == 0, "the other one polls, too");
  return tst_pass();
}
