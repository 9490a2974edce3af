// zdtm: {"category": "files", "verifies": "a deleted file that was made longer keeps its size and reads as zero there"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("gone", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, "short", 5));
  tst_sys(unlink("gone"));
  tst_sys(ftruncate(fd, 12345));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 12346));
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(is.st_size == 12345 && is.st_nlink == 0, "%ld bytes, %ld names", (long)is.st_size, (long)is.st_nlink);
  char text[8] = {0};
  tst_check(pread(fd, text, 8, 3) == 8 && !memcmp(text, "rt\0\0\0\0\0", 8), "the data is wrong");
  return tst_pass();
}
