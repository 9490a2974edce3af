// zdtm: {"category": "fifo", "verifies": "a named pipe that only has its writing end left refuses bytes, and takes them when a reader comes"}
#include "tst.h"

int main(void) {
  tst_begin();
  signal(SIGPIPE, SIG_IGN);
  tst_sys(mkfifo("pipe", 0600));
  int reading = tst_sys(open("pipe", O_RDONLY | O_NONBLOCK)), writing = tst_sys(open("pipe", O_WRONLY));
  close(reading);
  tst_ready();
  TST_SPOIL tst_sys(open("pipe", O_RDONLY | O_NONBLOCK));
  tst_check(write(writing, "x", 1) == -1 && errno == EPIPE, "a pipe without a reader takes bytes");
  reading = tst_sys(open("pipe", O_RDONLY | O_NONBLOCK));
  tst_check(write(writing, "new", 3) == 3, "a pipe with a reader takes no bytes");
  char text[8] = {0};
  tst_check(read(reading, text, 7) == 3 && !strcmp(text, "new"), "the pipe holds %s", text);
  tst_check((fcntl(writing, F_GETFL) & O_ACCMODE) == O_WRONLY, "flags %x", fcntl(writing, F_GETFL));
  return tst_pass();
}
