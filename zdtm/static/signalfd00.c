// zdtm: {"category": "epoll-fsnotify", "verifies": "a signalfd without signals keeps its mask and flags and works"}
#include "tst.h"

#include <sys/signalfd.h>

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 8);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = tst_sys(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  tst_ready();
  TST_SPOIL {
    sigdelset(&set, SIGRTMIN + 8);
    tst_sys(signalfd(fd, &set, 0));
  }
  struct signalfd_siginfo info;
  tst_check(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN, "there is a signal");
  tst_sys(sigqueue(getpid(), SIGRTMIN + 8, (union sigval){.sival_int = 321}));
  tst_check(read(fd, &info, sizeof(info)) == sizeof(info) && (int)info.ssi_signo == SIGRTMIN + 8 && info.ssi_int == 321,
            "the signal is %u with %d", info.ssi_signo, info.ssi_int);
  tst_sys(raise(SIGUSR1));
  tst_check(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1, "the signal is %u", info.ssi_signo);
  tst_check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
  return tst_pass();
}
