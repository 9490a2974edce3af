// zdtm: {"category": "epoll-fsnotify", "except": {"memory": "the kernel writes what is left of the time when a wait is interrupted"}, "verifies": "poll, select, epoll_wait and their like, interrupted by the dump, go on and return what they wait for, never EINTR"}
#include "tst.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

enum { WAYS = 6 };
static int ends[WAYS][2];
static tst_step *step;

static void *waiter(void *number) {
  int way = (int)(intptr_t)number, fd = ends[way][0], got = -1;
  struct pollfd event = {.fd = fd, .events = POLLIN};
  struct epoll_event told = {.events = EPOLLIN};
  struct timespec hour = {3600, 0};
  int poll_fd = tst_sys(epoll_create1(0));
  tst_sys(epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &told));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  __atomic_add_fetch(&step->value, 1, __ATOMIC_SEQ_CST);
  if (way == 0) got = poll(&event, 1, -1);
  if (way == 1) got = poll(&event, 1, 3600000);
  if (way == 2) got = ppoll(&event, 1, &hour, NULL);
  if (way == 3) got = select(fd + 1, &set, NULL, NULL, &(struct timeval){3600, 0});
  if (way == 4) got = epoll_wait(poll_fd, &told, 1, 3600000);
  if (way == 5) got = pselect(fd + 1, &set, NULL, NULL, NULL, NULL);
  tst_check(got == 1, "way %d gives %d: %s", way, got, got < 0 ? strerror(errno) : "");
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[WAYS];
  for (int i = 0; i < WAYS; i++) {
    tst_sys(pipe(ends[i]));
    tst_pthread(pthread_create(&threads[i], NULL, waiter, (void *)(intptr_t)i));
  }
  tst_until(__atomic_load_n(&step->value, __ATOMIC_SEQ_CST) == WAYS, "the threads do not come");
  tst_ready();
  TST_SPOIL {
    struct sigaction action = {.sa_handler = (void (*)(int))tst_nap};
    sigaction(SIGUSR1, &action, NULL);
    pthread_kill(threads[4], SIGUSR1);
    pthread_join(threads[4], NULL);
  }
  for (int i = 0; i < WAYS; i++) {
    tst_sys(write(ends[i][1], "x", 1));
    tst_pthread(pthread_join(threads[i], NULL));
  }
  return tst_pass();
}
