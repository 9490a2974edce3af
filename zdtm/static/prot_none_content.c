// zdtm: {"category": "memory", "verifies": "memory without any access keeps what was written before, private, shared and of a file"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int fd = tst_sys(open("closed", O_RDWR | O_CREAT, 0600));
  tst_sys(ftruncate(fd, (off_t)(4 * page)));
  uint8_t *at[3] = {tst_private(4 * page), tst_shared(4 * page),
                    tst_sys(mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0))};
  close(fd);
  for (int i = 0; i < 3; i++) {
    tst_fill(at[i], 3 * page, (uint32_t)i);
    tst_sys(mprotect(at[i], 4 * page, PROT_NONE));
  }
  tst_ready();
  TST_SPOIL {
    tst_sys(mprotect(at[2], 4 * page, PROT_READ | PROT_WRITE));
    at[2][page] ^= 1;
    tst_sys(mprotect(at[2], 4 * page, PROT_NONE));
  }
  for (int i = 0; i < 3; i++) {
    tst_check(tst_faults(at[i], false) == SIGSEGV, "area %d can be read", i);
    tst_sys(mprotect(at[i], 4 * page, PROT_READ | PROT_WRITE));
    long wrong = tst_differs(at[i], 3 * page, (uint32_t)i);
    tst_check(wrong < 0, "area %d: byte %ld is wrong", i, wrong);
    tst_check(at[i][3 * page] == 0, "area %d: the last page is not empty", i);
  }
  return tst_pass();
}
