// zdtm: {"category": "files", "except": {"fd 3": "the kernel makes up a name for a file that has none"}, "verifies": "a file that never had a name (O_TMPFILE) comes back with data and mode"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open(".", O_TMPFILE | O_RDWR, 0640));
  tst_sys(write(fd, "nameless", 8));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 2));
  char text[16] = {0};
  struct stat is;
  tst_check(pread(fd, text, 15, 0) == 8 && !strcmp(text, "nameless"), "the file holds %s", text);
  tst_sys(fstat(fd, &is));
  tst_check(is.st_nlink == 0 && (is.st_mode & 0777) == 0640, "%ld names, mode %o", (long)is.st_nlink, is.st_mode);
  tst_check((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "flags %x", fcntl(fd, F_GETFL));
  return tst_pass();
}
