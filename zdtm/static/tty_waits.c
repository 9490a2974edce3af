// zdtm: {"category": "tty", "verifies": "who waits at a terminal, in read, select, poll or epoll, at either end, goes on waiting and hears what comes"}
#include "terminal.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define WAYS 4
static tst_step *step;
static int masters[WAYS], slaves[WAYS];

static void wait_for(int fd, int way) {
  if (way == 1) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    tst_check(tst_sys(select(fd + 1, &set, NULL, NULL, NULL)) == 1, "select");
  } else if (way == 2) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    tst_check(tst_sys(poll(&one, 1, -1)) == 1, "poll");
  } else if (way == 3) {
    int epoll = tst_sys(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    tst_sys(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    tst_check(tst_sys(epoll_wait(epoll, &event, 1, -1)) == 1, "epoll_wait");
  }
}

static int waiter(void *argument) {
  int n = (int)(intptr_t)argument, fd = n < WAYS ? masters[n] : slaves[n - WAYS];
  tst_raise(step);
  wait_for(fd, n % WAYS);
  tty_hear(fd, "it is here");
  tst_raise(step);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  for (int n = 0; n < WAYS; n++) {
    masters[n] = tty_master(O_RDWR);
    slaves[n] = tty_slave(masters[n], O_RDWR);
    tty_raw(slaves[n]);
  }
  pid_t pids[2 * WAYS];
  for (intptr_t n = 0; n < 2 * WAYS; n++) pids[n] = tst_child(waiter, (void *)n);
  tst_await(step, 2 * WAYS);
  for (int n = 0; n < 2 * WAYS; n++) tst_until(tst_state(pids[n]) == 'S', "child %d does not wait", n);
  tst_ready();
  for (int n = 0; n < 2 * WAYS; n++)
    tst_check(tst_state(pids[n]) == 'S' && step->value == 2 * WAYS, "child %d waits no more", n);
  TST_SPOIL tty_say(slaves[0], "!");
  for (int n = 0; n < WAYS; n++) {
    tty_say(slaves[n], "it is here");
    tty_say(masters[n], "it is here");
  }
  tst_await(step, 4 * WAYS);
  return tst_pass();
}
