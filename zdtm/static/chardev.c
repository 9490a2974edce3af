// zdtm: {"category": "files", "verifies": "the devices null, zero, full and random behind descriptors are what they were"}
#include "tst.h"

int main(void) {
  tst_begin();
  static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
  int fds[5];
  for (int i = 0; i < 5; i++) fds[i] = tst_sys(open(names[i], i == 1 ? O_RDONLY : O_RDWR | O_APPEND));
  tst_ready();
  TST_SPOIL tst_sys(dup2(fds[0], fds[2]));
  char bytes[64];
  memset(bytes, 1, sizeof(bytes));
  tst_check(read(fds[0], bytes, 8) == 0 && write(fds[0], bytes, 8) == 8, "null is wrong");
  tst_check(read(fds[1], bytes, 8) == 8 && !bytes[0] && !bytes[7], "zero is wrong");
  tst_check(write(fds[2], bytes, 8) == -1 && errno == ENOSPC, "full takes bytes");
  for (int i = 3; i < 5; i++) {
    memset(bytes, 0, sizeof(bytes));
    tst_check(read(fds[i], bytes, 32) == 32, "random is short");
    int other = 0;
    for (int at = 1; at < 32; at++) other += bytes[at] != bytes[0];
    tst_check(other > 10, "random is not");
  }
  for (int i = 0; i < 5; i++) {
    struct stat a, b;
    tst_sys(fstat(fds[i], &a));
    tst_sys(stat(names[i], &b));
    tst_check(a.st_rdev == b.st_rdev, "descriptor %d is not of %s", fds[i], names[i]);
    tst_check((fcntl(fds[i], F_GETFL) & (O_ACCMODE | O_APPEND)) == (i == 1 ? O_RDONLY : O_RDWR | O_APPEND), "flags %x",
              fcntl(fds[i], F_GETFL));
  }
  return tst_pass();
}
