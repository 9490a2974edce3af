// zdtm: {"category": "epoll-fsnotify", "verifies": "used up one-shot targets stay silent, whatever they are: nested epolls, inotify, both ends of pipes, eventfds, timers, sockets"}
#include "tst.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int set, count;

/* Lets a target fire that is ready now. */
static void use_up(int fd, uint32_t kind) {
  struct epoll_event event = {.events = kind | EPOLLONESHOT, .data.u64 = 1000 + (unsigned)fd};
  tst_sys(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
  tst_check(epoll_wait(set, &event, 1, 0) == 1 && event.data.u64 == 1000 + (unsigned)fd, "descriptor %d does not fire", fd);
  count++;
}

int main(void) {
  tst_begin();
  char bytes[4096];
  uint64_t number = 1;
  set = tst_sys(epoll_create1(0));

  int inner = tst_sys(epoll_create1(0)), in_inner = tst_sys(eventfd(1, EFD_NONBLOCK));
  struct epoll_event event = {.events = EPOLLIN};
  tst_sys(epoll_ctl(inner, EPOLL_CTL_ADD, in_inner, &event));
  use_up(inner, EPOLLIN);
  tst_sys(read(in_inner, &number, 8));

  int watch = tst_sys(inotify_init1(IN_NONBLOCK));
  tst_sys(mkdir("dir", 0755));
  int wd = tst_sys(inotify_add_watch(watch, "dir", IN_CREATE));
  close(tst_sys(open("dir/made", O_CREAT | O_WRONLY, 0644)));
  use_up(watch, EPOLLIN);
  tst_sys(read(watch, bytes, sizeof(bytes)));

  int full[2];
  tst_sys(pipe2(full, O_NONBLOCK));
  use_up(full[1], EPOLLOUT);
  while (write(full[1], bytes, sizeof(bytes)) > 0) continue;
  int empty[2];
  tst_sys(pipe2(empty, O_NONBLOCK));
  tst_sys(write(empty[1], "x", 1));
  use_up(empty[0], EPOLLIN);
  tst_sys(read(empty[0], bytes, 1));

  int counter = tst_sys(eventfd(1, EFD_NONBLOCK));
  use_up(counter, EPOLLIN);
  tst_sys(read(counter, &number, 8));
  int timer = tst_sys(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  struct itimerspec soon = {.it_value.tv_nsec = 1};
  tst_sys(timerfd_settime(timer, 0, &soon, NULL));
  struct epoll_event fired = {.events = EPOLLIN | EPOLLONESHOT};
  tst_sys(epoll_ctl(set, EPOLL_CTL_ADD, timer, &fired));
  tst_check(epoll_wait(set, &fired, 1, -1) == 1, "the timer does not fire");
  count++;
  tst_sys(read(timer, &number, 8));
  int pair[2];
  tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  tst_sys(write(pair[1], "x", 1));
  use_up(pair[0], EPOLLIN);
  tst_sys(read(pair[0], bytes, 1));

  tst_ready();
  tst_check(read(watch, bytes, sizeof(bytes)) < 0 && errno == EAGAIN, "the watch has an event that nobody caused");
  tst_check(epoll_wait(inner, &event, 1, 0) == 0, "the inner epoll has an event that nobody caused");
  TST_SPOIL {
    event.events = EPOLLIN;
    tst_sys(epoll_ctl(set, EPOLL_CTL_MOD, inner, &event));
  }
  number = 1;
  tst_sys(write(in_inner, &number, 8));
  tst_sys(write(counter, &number, 8));
  tst_sys(timerfd_settime(timer, 0, &soon, NULL));
  tst_sys(unlink("dir/made"));
  close(tst_sys(open("dir/made", O_CREAT | O_WRONLY, 0644)));
  tst_sys(write(empty[1], "x", 1));
  tst_sys(write(pair[1], "x", 1));
  while (read(full[0], bytes, sizeof(bytes)) > 0) continue;
  struct epoll_event more[16];
  int got = epoll_wait(set, more, 16, 0);
  tst_check(got == 0, "%d targets that were used up tell something", got);
  tst_check(epoll_wait(inner, &event, 1, 0) == 1, "the inner epoll tells nothing");
  tst_check(read(watch, bytes, sizeof(bytes)) > 0 && ((struct inotify_event *)(void *)bytes)->wd == wd, "the watch tells nothing");
  for (int i = 0; i < count; i++) {
    int fds[] = {inner, watch, full[1], empty[0], counter, timer, pair[0]};
    event = (struct epoll_event){.events = i == 2 ? EPOLLOUT : EPOLLIN};
    tst_sys(epoll_ctl(set, EPOLL_CTL_MOD, fds[i], &event));
  }
  tst_check(epoll_wait(set, more, 16, -1) >= 5, "targets that were armed again tell nothing");
  return tst_pass();
}
