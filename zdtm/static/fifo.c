// zdtm: {"category": "fifo", "verifies": "a named pipe open for both keeps its bytes and passes more"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0640));
  int fd = tst_sys(open("pipe", O_RDWR | O_NONBLOCK));
  char text[16] = {0};
  tst_sys(write(fd, "kept", 4));
  tst_ready();
  TST_SPOIL tst_sys(read(fd, text, 2));
  int other = tst_sys(open("pipe", O_WRONLY | O_NONBLOCK));
  tst_sys(write(other, " new", 4));
  tst_check(read(fd, text, 15) == 8 && !strcmp(text, "kept new"), "the pipe holds %s", text);
  tst_check(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK | (fcntl(fd, F_GETFL) & 0100000)), "flags %x", fcntl(fd, F_GETFL));
  return tst_pass();
}
