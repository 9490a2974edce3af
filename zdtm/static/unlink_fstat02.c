// zdtm: {"category": "files", "verifies": "a file with two names, both deleted, keeps its size through descriptors of either"}
#include "tst.h"

int main(void) {
  tst_begin();
  int one = tst_sys(open("one", O_RDWR | O_CREAT, 0644));
  tst_sys(link("one", "two"));
  int two = tst_sys(open("two", O_RDONLY));
  tst_sys(ftruncate(one, 777));
  tst_sys(unlink("two"));
  tst_sys(unlink("one"));
  tst_sys(ftruncate(one, 888));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(one, 889));
  struct stat a, b;
  tst_sys(fstat(one, &a));
  tst_sys(fstat(two, &b));
  tst_check(a.st_size == 888 && b.st_size == 888 && a.st_ino == b.st_ino, "%ld and %ld bytes", (long)a.st_size,
            (long)b.st_size);
  tst_check(fcntl(two, F_GETFL) == O_RDONLY || fcntl(two, F_GETFL) == (O_RDONLY | 0100000), "flags %x", fcntl(two, F_GETFL));
  return tst_pass();
}
