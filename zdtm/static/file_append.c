// zdtm: {"category": "files", "verifies": "a file opened for appending still gets every write at its end, wherever the position is"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("log", O_RDWR | O_CREAT | O_APPEND, 0644));
  tst_sys(write(fd, "one ", 4));
  tst_sys(lseek(fd, 1, SEEK_SET));
  tst_ready();
  TST_SPOIL tst_sys(fcntl(fd, F_SETFL, 0));
  tst_check(lseek(fd, 0, SEEK_CUR) == 1, "the position is %ld", (long)lseek(fd, 0, SEEK_CUR));
  tst_sys(write(fd, "two", 3));
  char text[16] = {0};
  tst_check(pread(fd, text, 15, 0) == 7 && !strcmp(text, "one two"), "the file holds %s", text);
  tst_check(fcntl(fd, F_GETFL) & O_APPEND, "the flag is lost");
  return tst_pass();
}
