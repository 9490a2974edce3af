// zdtm: {"category": "files", "verifies": "a file read half way goes on from there"}
#include "tst.h"

int main(void) {
  tst_begin();
  static uint8_t bytes[100000];
  tst_fill(bytes, sizeof(bytes), 6);
  int fd = tst_sys(open("file", O_RDWR | O_CREAT, 0644));
  tst_sys(write(fd, bytes, sizeof(bytes)));
  close(fd);
  memset(bytes, 0, sizeof(bytes));
  fd = tst_sys(open("file", O_RDONLY));
  tst_sys(read(fd, bytes, 41234));
  tst_ready();
  TST_SPOIL tst_sys(lseek(fd, 0, SEEK_SET));
  tst_check(read(fd, bytes + 41234, 58766) == 58766 && read(fd, bytes, 1) == 0, "the rest is of another length");
  tst_check(tst_differs(bytes, sizeof(bytes), 6) < 0, "byte %ld is wrong", tst_differs(bytes, sizeof(bytes), 6));
  return tst_pass();
}
