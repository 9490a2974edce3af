// zdtm: {"category": "files", "verifies": "a file written half way is completed"}
#include "tst.h"

int main(void) {
  tst_begin();
  static uint8_t bytes[100000];
  tst_fill(bytes, sizeof(bytes), 7);
  int fd = tst_sys(open("file", O_WRONLY | O_CREAT | O_TRUNC, 0644));
  tst_sys(write(fd, bytes, 55555));
  tst_ready();
  TST_SPOIL tst_sys(lseek(fd, 0, SEEK_SET));
  tst_sys(write(fd, bytes + 55555, sizeof(bytes) - 55555));
  fd = tst_sys(open("file", O_RDONLY));
  memset(bytes, 0, sizeof(bytes));
  tst_check(read(fd, bytes, sizeof(bytes)) == sizeof(bytes) && tst_differs(bytes, sizeof(bytes), 7) < 0, "the data is wrong");
  return tst_pass();
}
