// zdtm: {"category": "epoll-fsnotify", "verifies": "signals that were pending when the task was dumped are read from its signalfd, which an epoll tells of"}
#include "tst.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < 3; i++) sigaddset(&set, SIGRTMIN + i);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = tst_sys(signalfd(-1, &set, SFD_NONBLOCK)), poll = tst_sys(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 4};
  tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event));
  for (int i = 0; i < 3; i++) tst_sys(sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = 60 + i}));
  tst_ready();
  struct signalfd_siginfo info;
  TST_SPOIL tst_sys(read(fd, &info, sizeof(info)));
  tst_check(epoll_wait(poll, &event, 1, 0) == 1 && event.data.u32 == 4, "the epoll does not tell");
  for (int i = 0; i < 3; i++) {
    tst_check(read(fd, &info, sizeof(info)) == sizeof(info), "signal %d is lost", i);
    tst_check((int)info.ssi_signo == SIGRTMIN + i && info.ssi_int == 60 + i && (pid_t)info.ssi_pid == getpid(),
              "signal %d is %u with %d", i, info.ssi_signo, info.ssi_int);
  }
  tst_check(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN, "there is one more");
  return tst_pass();
}
