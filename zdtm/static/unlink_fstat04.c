// zdtm: {"category": "files", "verifies": "a deleted file with quotes and a line break in its name, in a directory closed to writes, comes back"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_sys(mkdir("dir", 0755));
  int fd = tst_sys(open("dir/it's \"odd\"\nname\\", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, "odd", 3));
  tst_sys(unlink("dir/it's \"odd\"\nname\\"));
  tst_sys(chmod("dir", 0555));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 0));
  char text[8] = {0};
  tst_check(pread(fd, text, 7, 0) == 3 && !strcmp(text, "odd"), "the file holds %s", text);
  struct stat is;
  tst_sys(stat("dir", &is));
  tst_check((is.st_mode & 0777) == 0555, "the directory has mode %o", is.st_mode);
  return tst_pass();
}
