// zdtm: {"category": "files", "verifies": "an O_PATH descriptor of a deleted symbolic link is still of a deleted link with its target"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(symlink("target of the link", "link"));
  int fd = tst_sys(open("link", O_PATH | O_NOFOLLOW));
  tst_sys(unlink("link"));
  tst_ready();
  TST_SPOIL fd = tst_sys(open("/", O_PATH));
  struct stat is;
  char text[32] = {0};
  tst_sys(fstat(fd, &is));
  tst_check(S_ISLNK(is.st_mode) && is.st_nlink == 0, "mode %o, %ld names", is.st_mode, (long)is.st_nlink);
  tst_check(readlinkat(fd, "", text, 31) == 18 && !strcmp(text, "target of the link"), "the link leads to %s", text);
  tst_check(access("link", F_OK) == -1 && errno == ENOENT, "the name is back");
  return tst_pass();
}
