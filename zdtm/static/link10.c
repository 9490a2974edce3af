// zdtm: {"category": "files", "verifies": "a file opened by two names, both deleted, is still one file"}
#include "tst.h"

int main(void) {
  tst_begin();
  int one = tst_sys(open("one", O_RDWR | O_CREAT, 0644)), two;
  tst_sys(link("one", "two"));
  two = tst_sys(open("two", O_RDWR));
  tst_sys(write(one, "same", 4));
  tst_sys(unlink("one"));
  tst_sys(unlink("two"));
  tst_ready();
  TST_SPOIL two = tst_sys(open("other", O_RDWR | O_CREAT, 0644));
  struct stat a, b;
  tst_sys(fstat(one, &a));
  tst_sys(fstat(two, &b));
  tst_check(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "there are two files");
  tst_check(a.st_nlink == 0, "the file has %ld names", (long)a.st_nlink);
  char text[16] = {0};
  tst_check(read(two, text, 15) == 4 && !strcmp(text, "same"), "the second name holds %s", text);
  tst_sys(write(two, " again", 6));
  tst_check(pread(one, text, 15, 0) == 10 && !strcmp(text, "same again"), "the first name holds %s", text);
  return tst_pass();
}
