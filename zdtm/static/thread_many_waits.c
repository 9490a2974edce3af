// zdtm: {"category": "threads", "verifies": "threads of one process that wait in seven different ways all go on"}
#include "tst.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { FUTEX, READ, POLL, EPOLL, SIGNAL, EVENT, MUTEX, KINDS };
static int ends[KINDS][2], event, set;
static tst_step *step;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pid_t tids[KINDS];
static volatile int done[KINDS];

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  char byte = 0;
  eventfd_t value = 0;
  struct pollfd poll_for = {.fd = ends[POLL][0], .events = POLLIN};
  struct epoll_event got = {0};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  *(volatile pid_t *)&tids[n] = (pid_t)syscall(SYS_gettid);
  switch (n) {
    case FUTEX: tst_await(step, 1); break;
    case READ: tst_check(read(ends[READ][0], &byte, 1) == 1 && byte == 'R', "read: %s", strerror(errno)); break;
    case POLL: tst_check(poll(&poll_for, 1, -1) == 1, "poll: %s", strerror(errno)); break;
    case EPOLL: tst_check(epoll_wait(set, &got, 1, -1) == 1, "epoll_wait: %s", strerror(errno)); break;
    case SIGNAL: tst_check(sigwaitinfo(&signals, NULL) == SIGUSR1, "sigwaitinfo: %s", strerror(errno)); break;
    case EVENT: tst_check(eventfd_read(event, &value) == 0 && value == 3, "eventfd: %s", strerror(errno)); break;
    default: tst_pthread(pthread_mutex_lock(&mutex));
  }
  done[n] = 1;
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[KINDS];
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  tst_pthread(pthread_sigmask(SIG_BLOCK, &signals, NULL));
  step = tst_new_step();
  for (int i = 0; i < KINDS; i++) tst_sys(pipe(ends[i]));
  event = tst_sys(eventfd(0, 0));
  set = tst_sys(epoll_create1(0));
  tst_sys(epoll_ctl(set, EPOLL_CTL_ADD, ends[EPOLL][0], &(struct epoll_event){.events = EPOLLIN}));
  tst_pthread(pthread_mutex_lock(&mutex));
  for (intptr_t i = 0; i < KINDS; i++) {
    tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
    tst_until(*(volatile pid_t *)&tids[i] && tst_state(tids[i]) == 'S', "thread %d does not wait", (int)i);
  }
  tst_ready();
  for (int i = 0; i < KINDS; i++) tst_check(!done[i], "wait %d has ended by itself", i);
  TST_SPOIL tst_sys(close(ends[READ][1]));
  tst_set(step, 1);
  tst_sys(write(ends[READ][1], "R", 1));
  tst_sys(write(ends[POLL][1], "P", 1));
  tst_sys(write(ends[EPOLL][1], "E", 1));
  tst_pthread(pthread_kill(ids[SIGNAL], SIGUSR1));
  tst_sys(eventfd_write(event, 3));
  tst_pthread(pthread_mutex_unlock(&mutex));
  for (int i = 0; i < KINDS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
