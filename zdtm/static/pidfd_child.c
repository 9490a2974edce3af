// zdtm: {"category": "pidfd", "verifies": "a pidfd of a child can be waited for and polled, and signals it"}
#include "tst.h"

#include <poll.h>
#include <sys/pidfd.h>

static int child(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  pid_t pid = tst_child(child, NULL), other = tst_child(child, NULL);
  int fd = tst_sys(pidfd_open(pid, 0));
  tst_ready();
  TST_SPOIL fd = tst_sys(pidfd_open(other, 0));
  struct pollfd event = {.fd = fd, .events = POLLIN};
  tst_check(poll(&event, 1, 0) == 0, "the child has ended");
  tst_sys(pidfd_send_signal(fd, SIGUSR2, NULL, 0));
  siginfo_t info = {0};
  tst_sys(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT));
  tst_check(info.si_pid == pid && info.si_status == SIGUSR2, "process %d ended, by %d", info.si_pid, info.si_status);
  tst_check(poll(&event, 1, -1) == 1, "the end is not told");
  tst_reap(pid);
  tst_end(other);
  return tst_pass();
}
