// zdtm: {"category": "files", "verifies": "a position beyond the end of a file, or beyond 4 GiB, comes back, and a write there leaves a hole"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644)), far = tst_sys(open("file", O_RDONLY));
  tst_sys(write(fd, "start", 5));
  tst_sys(lseek(fd, 100000, SEEK_SET));
  tst_sys(lseek(far, 7L << 32, SEEK_SET));
  tst_ready();
  TST_SPOIL tst_sys(lseek(far, 0, SEEK_SET));
  tst_check(lseek(far, 0, SEEK_CUR) == 7L << 32, "the position is %ld", (long)lseek(far, 0, SEEK_CUR));
  tst_sys(write(fd, "end", 3));
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(is.st_size == 100003, "the file has %ld bytes", (long)is.st_size);
  return tst_pass();
}
