// zdtm: {"category": "files", "verifies": "a deleted named pipe open for both still works"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkfifo("pipe", 0644));
  int fd = tst_sys(open("pipe", O_RDWR | O_NONBLOCK));
  tst_sys(unlink("pipe"));
  tst_ready();
  char text[8] = {0};
  TST_SPOIL fd = tst_sys(open("/dev/null", O_RDWR));
  tst_sys(write(fd, "works", 5));
  tst_check(read(fd, text, 7) == 5 && !strcmp(text, "works"), "the pipe holds %s", text);
  tst_check(access("pipe", F_OK) == -1, "the name is back");
  return tst_pass();
}
