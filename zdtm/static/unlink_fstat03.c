// zdtm: {"category": "files", "opts": ["--link-remap"], "verifies": "a file opened by a name that was deleted, and that has another, is the same file as by the other"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(open("opened", O_RDWR | O_CREAT, 0644));
  tst_sys(write(fd, "linked", 6));
  tst_sys(link("opened", "kept"));
  tst_sys(unlink("opened"));
  tst_ready();
  TST_SPOIL tst_sys(unlink("kept"));
  struct stat a, b;
  tst_sys(fstat(fd, &a));
  tst_check(stat("kept", &b) == 0 && a.st_ino == b.st_ino, "the descriptor is of another file");
  tst_check(a.st_nlink >= 1 && a.st_size == 6, "%ld names, %ld bytes", (long)a.st_nlink, (long)a.st_size);
  tst_check(access("opened", F_OK) == -1, "the deleted name is back");
  tst_sys(write(fd, " more", 5));
  int other = tst_sys(open("kept", O_RDONLY));
  char text[16] = {0};
  tst_check(read(other, text, 15) == 11 && !strcmp(text, "linked more"), "by the other name it holds %s", text);
  return tst_pass();
}
