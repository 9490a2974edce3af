// zdtm: {"category": "devices", "needs": ["root"], "verifies": "devices whose nodes were deleted while they were open are the same devices, and have no node"}
#include "tst.h"
#include <sys/sysmacros.h>

int main(void) {
  tst_begin();
  dev_t null = makedev(1, 3), zero = makedev(1, 5);
  if (mknod("null", S_IFCHR | 0666, null) < 0) tst_skip("no device node can be made: %s", strerror(errno));
  tst_sys(mknod("zero", S_IFCHR | 0640, zero));
  int sink = open("null", O_RDWR | O_APPEND), source = open("zero", O_RDONLY);
  if (sink < 0 || source < 0) tst_skip("devices are not allowed on this file system");
  tst_sys(unlink("null"));
  tst_sys(unlink("zero"));
  tst_ready();
  TST_SPOIL tst_sys(dup2(source, sink));
  struct stat stat;
  tst_sys(fstat(sink, &stat));
  tst_check(S_ISCHR(stat.st_mode) && stat.st_rdev == null && stat.st_nlink == 0, "the first is device %lx",
            (unsigned long)stat.st_rdev);
  tst_check((fcntl(sink, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_RDWR | O_APPEND), "its flags are %o",
            fcntl(sink, F_GETFL));
  tst_sys(fstat(source, &stat));
  tst_check(S_ISCHR(stat.st_mode) && stat.st_rdev == zero && (stat.st_mode & 0777) == 0640, "the second is device %lx",
            (unsigned long)stat.st_rdev);
  char byte = 1;
  tst_check(read(sink, &byte, 1) == 0 && write(sink, &byte, 1) == 1, "null is wrong");
  tst_check(read(source, &byte, 1) == 1 && byte == 0, "zero is wrong");
  tst_check(access("null", F_OK) < 0 && access("zero", F_OK) < 0, "a node is back");
  return tst_pass();
}
