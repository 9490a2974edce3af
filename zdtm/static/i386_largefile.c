// zdtm: {"category": "files", "needs": ["i386"], "verifies": "a file that a 32-bit program opened without O_LARGEFILE ends at 2 GiB for it, one with it does not; positions and sharing stay"}
#include "tst.h"

#define LARGE 0100000 /* the header has 0 for programs that use it always */

int main(void) {
  tst_begin();
  int small = tst_sys(open("small", O_RDWR | O_CREAT, 0600)), shared = tst_sys(dup(small));
  int large = tst_sys(open("large", O_RDWR | O_CREAT | LARGE, 0600)), memory = tst_sys(memfd_create("file", 0));
  int directory = tst_sys(open(".", O_RDONLY | O_DIRECTORY)), null = tst_sys(open("/dev/null", O_WRONLY));
  tst_sys(write(small, "hello", 5));
  tst_sys(lseek(small, 3, SEEK_SET));
  int files[] = {small, large, memory, directory, null}, flags[5];
  for (int i = 0; i < 5; i++) flags[i] = tst_sys(fcntl(files[i], F_GETFL));
  tst_check(!(flags[0] & LARGE) && (flags[1] & LARGE), "the files are opened otherwise: %o and %o", flags[0], flags[1]);
  tst_ready();
  for (int i = 0; i < 5; i++) {
    int now = tst_sys(fcntl(files[i], F_GETFL));
    tst_check(now == flags[i], "file %d: flags %o, had %o", i, now, flags[i]);
  }
  TST_SPOIL lseek(small, 1, SEEK_SET);
  tst_check(lseek(shared, 0, SEEK_CUR) == 3, "the position is %ld", (long)lseek(shared, 0, SEEK_CUR));
  tst_check(syscall(SYS_pwrite64, small, "x", 1, 0x7fffffff, 0) == -1 && errno == EFBIG, "the small file grows");
  tst_check(syscall(SYS_pwrite64, large, "x", 1, 0x7fffffff, 0) == 1, "the large file does not grow: %s", strerror(errno));
  return tst_pass();
}
