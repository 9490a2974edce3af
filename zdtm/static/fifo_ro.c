// zdtm: {"category": "fifo", "verifies": "a named pipe that only has its reading end left still delivers its bytes, then its end"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0600));
  int reading = tst_sys(open("pipe", O_RDONLY | O_NONBLOCK)), writing = tst_sys(open("pipe", O_WRONLY));
  tst_sys(write(writing, "left behind", 11));
  close(writing);
  tst_ready();
  char text[32] = {0};
  TST_SPOIL tst_sys(read(reading, text, 1));
  tst_check(read(reading, text, 31) == 11 && !strcmp(text, "left behind"), "the pipe holds %s", text);
  tst_check(read(reading, text, 31) == 0, "the end is not seen");
  writing = tst_sys(open("pipe", O_WRONLY | O_NONBLOCK));
  tst_check(read(reading, text, 31) == -1 && errno == EAGAIN, "the new writer is not seen");
  return tst_pass();
}
