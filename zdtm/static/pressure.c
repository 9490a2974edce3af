// zdtm: {"category": "files", "needs": ["root", "file:/proc/pressure/memory"], "refused": "waits for pressure \\(PSI\\)[^]*/proc/pressure/memory", "verifies": "a file through which the kernel tells of pressure is refused, and goes on telling"}
#include "tst.h"
#include <poll.h>

int main(void) {
  tst_begin();
  int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK);
  const char wish[] = "some 500000 2000000";
  if (fd < 0 || write(fd, wish, sizeof(wish)) < 0) tst_skip("no pressure to wait for: %s", strerror(errno));
  int reader = tst_sys(open("/proc/pressure/cpu", O_RDONLY));
  tst_ready();
  TST_SPOIL tst_sys(dup2(reader, fd));
  /* without a wish poll says that there is an error */
  struct pollfd poll_fd = {.fd = fd, .events = POLLPRI};
  tst_check(poll(&poll_fd, 1, 0) >= 0 && !(poll_fd.revents & POLLERR), "the wish is gone");
  return tst_pass();
}
