// zdtm: {"category": "files", "verifies": "descriptors at powers of two and above a thousand come back at their numbers"}
#include "tst.h"

#include <sys/resource.h>

int main(void) {
  tst_begin();
  struct rlimit limit;
  tst_sys(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = limit.rlim_max < 9000 ? limit.rlim_max : 9000;
  tst_sys(setrlimit(RLIMIT_NOFILE, &limit));
  static const int wanted[] = {4, 8, 16, 32, 64, 128, 256, 512, 1000, 1001, 1023, 1024, 1025, 2048, 4096, 8192, 8999};
  int count = 0;
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  for (int i = 0; i < 17 && wanted[i] < (int)limit.rlim_cur; i++, count++) {
    tst_sys(dup2(fd, wanted[i]));
    if (i % 2) tst_sys(fcntl(wanted[i], F_SETFD, FD_CLOEXEC));
  }
  close(fd);
  tst_ready();
  TST_SPOIL close(wanted[count - 1]);
  for (int i = 0; i < count; i++) {
    tst_check(fcntl(wanted[i], F_GETFD) == i % 2, "descriptor %d: %d", wanted[i], fcntl(wanted[i], F_GETFD));
    tst_sys(write(wanted[i], "x", 1));
  }
  struct stat is;
  tst_sys(fstat(wanted[0], &is));
  tst_check(is.st_size == count, "the file has %ld bytes: it is not shared", (long)is.st_size);
  int found = 0;
  for (int i = 3; i < (int)limit.rlim_cur; i++) found += fcntl(i, F_GETFD) >= 0;
  tst_check(found == count, "there are %d descriptors", found);
  return tst_pass();
}
