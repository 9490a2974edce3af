// zdtm: {"category": "files", "verifies": "every flag that an open file remembers comes back: append, direct, sync, dsync, noatime, nonblock, access mode"}
#include "tst.h"

int main(void) {
  tst_begin();
  static const int flags[] = {O_RDONLY,
                              O_WRONLY,
                              O_RDWR | O_APPEND,
                              O_RDWR | O_NONBLOCK,
                              O_RDWR | O_SYNC,
                              O_WRONLY | O_DSYNC,
                              O_RDONLY | O_NOATIME,
                              O_RDWR | O_DIRECT,
                              O_RDONLY | O_NOFOLLOW,
                              O_RDWR | O_APPEND | O_DSYNC | O_NOATIME | O_NONBLOCK};
  enum { COUNT = sizeof(flags) / sizeof(flags[0]) };
  int fds[COUNT], was[COUNT];
  close(tst_sys(open("file", O_CREAT | O_WRONLY, 0644)));
  for (int i = 0; i < COUNT; i++) {
    fds[i] = open("file", flags[i]);
    if (fds[i] < 0 && flags[i] & O_DIRECT && errno == EINVAL) fds[i] = tst_sys(open("file", O_RDWR));
    tst_check(fds[i] >= 0, "open %x: %s", flags[i], strerror(errno));
    was[i] = fcntl(fds[i], F_GETFL);
  }
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fds[9], F_SETFL, O_APPEND));
  for (int i = 0; i < COUNT; i++)
    tst_check(fcntl(fds[i], F_GETFL) == was[i], "the flags of %d are %x, were %x", i, fcntl(fds[i], F_GETFL), was[i]);
  return tst_pass();
}
