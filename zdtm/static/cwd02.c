// zdtm: {"category": "files", "verifies": "a removed current directory and a descriptor of it are one directory"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("gone", 0755));
  int fd = tst_sys(open("gone", O_RDONLY | O_DIRECTORY));
  tst_sys(chdir("gone"));
  tst_sys(rmdir("../gone"));
  tst_ready();
  TST_SPOIL tst_sys(chdir("/"));
  struct stat a, b;
  tst_sys(fstat(fd, &a));
  tst_sys(stat(".", &b));
  tst_check(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "they are two directories");
  tst_check(a.st_nlink == 0, "the directory has %ld names", (long)a.st_nlink);
  return tst_pass();
}
