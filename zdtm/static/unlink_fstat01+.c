// zdtm: {"category": "files", "except": {"fd 3": "its old name belongs to another file now"}, "verifies": "a deleted file comes back though another file has taken its name, and that one is not touched"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("name", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, "old", 3));
  tst_sys(unlink("name"));
  int other = tst_sys(open("name", O_RDWR | O_CREAT, 0644));
  tst_sys(write(other, "newer", 5));
  tst_ready();
  TST_SPOIL fd = other;
  char text[8] = {0};
  tst_check(pread(fd, text, 7, 0) == 3 && !strcmp(text, "old"), "the deleted file holds %s", text);
  tst_check(pread(other, text, 7, 0) == 5 && !strcmp(text, "newer"), "the newer file holds %s", text);
  struct stat a, b;
  tst_sys(fstat(other, &a));
  tst_sys(stat("name", &b));
  tst_check(a.st_ino == b.st_ino, "the name leads to another file");
  tst_sys(fstat(fd, &a));
  tst_check(a.st_nlink == 0, "the deleted file has %ld names", (long)a.st_nlink);
  return tst_pass();
}
