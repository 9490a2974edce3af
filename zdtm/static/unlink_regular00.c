// zdtm: {"category": "files", "opts": ["--link-remap"], "verifies": "a file deleted together with its directory, but with another name elsewhere, comes back as that file"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  int fd = tst_sys(open("dir/file", O_RDWR | O_CREAT, 0644));
  tst_sys(write(fd, "survivor", 8));
  tst_sys(link("dir/file", "elsewhere"));
  tst_sys(unlink("dir/file"));
  tst_sys(rmdir("dir"));
  tst_ready();
  TST_SPOIL tst_sys(unlink("elsewhere"));
  struct stat a, b;
  tst_sys(fstat(fd, &a));
  tst_check(stat("elsewhere", &b) == 0 && a.st_ino == b.st_ino, "the descriptor is of another file");
  tst_check(a.st_nlink >= 1 && a.st_size == 8, "%ld names, %ld bytes", (long)a.st_nlink, (long)a.st_size);
  tst_check(access("dir", F_OK) == -1, "the directory is back");
  return tst_pass();
}
