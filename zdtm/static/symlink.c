// zdtm: {"category": "files", "verifies": "an O_PATH descriptor of a symbolic link is still of the link itself"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(symlink("target of the link", "link"));
  int fd = tst_sys(open("link", O_PATH | O_NOFOLLOW));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("/", O_PATH));
  struct stat is;
  char text[32] = {0};
  tst_sys(fstat(fd, &is));
  tst_check(S_ISLNK(is.st_mode), "the descriptor is of mode %o", is.st_mode);
  tst_check(readlinkat(fd, "", text, 31) == 18 && !strcmp(text, "target of the link"), "the link leads to %s", text);
  tst_check(fcntl(fd, F_GETFL) & O_PATH, "the flags are %x", fcntl(fd, F_GETFL));
  return tst_pass();
}
