// zdtm: {"category": "files", "verifies": "close-on-exec belongs to each descriptor, duplicates of one file included"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fds[6];
  fds[0] = tst_sys(open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  fds[1] = tst_sys(dup(fds[0]));
  fds[2] = tst_sys(fcntl(fds[0], F_DUPFD_CLOEXEC, 50));
  fds[3] = tst_sys(open("file", O_RDONLY));
  tst_sys(pipe2(fds + 4, O_CLOEXEC));
  tst_sys(fcntl(fds[5], F_SETFD, 0));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fds[2], F_SETFD, 0));
  static const int should[] = {1, 0, 1, 0, 1, 0};
  for (int i = 0; i < 6; i++) tst_check(fcntl(fds[i], F_GETFD) == should[i], "descriptor %d: %d", fds[i], fcntl(fds[i], F_GETFD));
  return tst_pass();
}
