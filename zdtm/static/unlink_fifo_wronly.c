// zdtm: {"category": "files", "verifies": "a deleted named pipe of which only the writing end is left still refuses bytes"}
#include "tst.h"

int main(void) {
  tst_begin();
  signal(SIGPIPE, SIG_IGN);
  tst_sys(mkfifo("pipe", 0644));
  int reading = tst_sys(open("pipe", O_RDONLY | O_NONBLOCK)), fd = tst_sys(open("pipe", O_WRONLY));
  close(reading);
  tst_sys(unlink("pipe"));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("/dev/null", O_RDWR));
  tst_check(write(fd, "x", 1) == -1 && errno == EPIPE, "the pipe takes bytes");
  struct stat is;
  tst_sys(fstat(fd, &is));
  tst_check(S_ISFIFO(is.st_mode) && is.st_nlink == 0, "mode %o, %ld names", is.st_mode, (long)is.st_nlink);
  return tst_pass();
}
