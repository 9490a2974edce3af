// zdtm: {"category": "files", "verifies": "a deleted file in a deleted directory in a deleted directory comes back, and none of the names does"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("a", 0700));
  tst_sys(mkdir("a/b", 0750));
  int fd = tst_sys(open("a/b/file", O_RDWR | O_CREAT, 0644)), dir = tst_sys(open("a/b", O_RDONLY | O_DIRECTORY));
  tst_sys(write(fd, "deep", 4));
  tst_sys(unlink("a/b/file"));
  tst_sys(rmdir("a/b"));
  tst_sys(rmdir("a"));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 1));
  char text[8] = {0};
  struct stat is;
  tst_check(pread(fd, text, 7, 0) == 4 && !strcmp(text, "deep"), "the file holds %s", text);
  tst_sys(fstat(fd, &is));
  tst_check(is.st_nlink == 0, "the file has %ld names", (long)is.st_nlink);
  tst_sys(fstat(dir, &is));
  tst_check(S_ISDIR(is.st_mode) && is.st_nlink == 0 && (is.st_mode & 0777) == 0750, "the directory: mode %o, %ld names",
            is.st_mode, (long)is.st_nlink);
  tst_check(access("a", F_OK) == -1, "a directory is back");
  return tst_pass();
}
