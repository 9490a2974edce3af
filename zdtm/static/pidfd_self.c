// zdtm: {"category": "pidfd", "verifies": "a pidfd of the task itself names it, keeps its flags, and can signal it"}
#include "tst.h"

#include <sys/pidfd.h>

int main(void) {
  tst_begin();
  int fd = tst_sys(pidfd_open(getpid(), 0)), quick = tst_sys(pidfd_open(getpid(), PIDFD_NONBLOCK));
  tst_sys(fcntl(fd, F_SETFD, 0));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_ready();
  TST_SPOIL tst_sys(dup2(tst_sys(open("/dev/null", O_RDONLY)), fd));
  char path[64], line[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
  snprintf(line, sizeof(line), "\nPid:\t%d\n", getpid());
  char *text = tst_slurp(path, NULL);
  tst_check(strstr(text, line), "the descriptor says: %s", text);
  tst_check(fcntl(fd, F_GETFD) == 0 && fcntl(quick, F_GETFD) == FD_CLOEXEC, "close-on-exec is wrong");
  tst_check(fcntl(quick, F_GETFL) & O_NONBLOCK, "flags %x", fcntl(quick, F_GETFL));
  tst_sys(pidfd_send_signal(fd, SIGUSR1, NULL, 0));
  struct timespec at_once = {0};
  tst_check(sigtimedwait(&set, NULL, &at_once) == SIGUSR1, "the signal does not come");
  return tst_pass();
}
