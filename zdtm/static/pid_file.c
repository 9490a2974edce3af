// zdtm: {"category": "process-tree", "verifies": "an open /proc/1/status is still the same file and can still be read"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("/proc/1/status", O_RDONLY));
  struct stat now, after;
  tst_ready();
  TST_SPOIL tst_sys(dup2(tst_sys(open("/proc/self/status", O_RDONLY)), fd));
  tst_sys(fstat(fd, &after));
  /* a mount namespace of its own has another /proc afterwards */
  tst_sys(stat("/proc/1/status", &now));
  tst_check(now.st_dev == after.st_dev, "it is on another file system");
  char text[4096];
  ssize_t got = tst_sys(pread(fd, text, sizeof(text) - 1, 0));
  text[got] = 0;
  tst_check(strstr(text, "\nPid:\t1\n"), "it shows another task");
  return tst_pass();
}
