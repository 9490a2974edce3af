// zdtm: {"category": "files", "verifies": "what was written before the dump and closed can be read after it"}
#include "tst.h"

int main(void) {
  tst_begin();
  static uint8_t bytes[100000];
  tst_fill(bytes, sizeof(bytes), 6);
  int fd = tst_sys(open("file", O_WRONLY | O_CREAT, 0644));
  tst_sys(write(fd, bytes, sizeof(bytes)));
  close(fd);
  tst_ready();
  TST_SPOIL tst_sys(truncate("file", 99999));
  fd = tst_sys(open("file", O_RDONLY));
  memset(bytes, 0, sizeof(bytes));
  tst_check(read(fd, bytes, sizeof(bytes)) == sizeof(bytes) && tst_differs(bytes, sizeof(bytes), 6) < 0, "the data is wrong");
  return tst_pass();
}
