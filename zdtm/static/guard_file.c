// zdtm: {"category": "memory", "verifies": "guard pages in a private file mapping still fault, around them the file and a private change are seen"}
#include "tst.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *contents = tst_private(4 * page);
  tst_fill(contents, 4 * page, 5);
  int fd = tst_sys(open("guarded", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, contents, 4 * page));
  uint8_t *memory = tst_sys(mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  close(fd);
  if (madvise(memory + page, page, MADV_GUARD_INSTALL)) tst_skip("no guard pages in files: %s", strerror(errno));
  memory[2 * page] = 0xee;
  tst_ready();
  TST_SPOIL tst_sys(madvise(memory + page, page, MADV_GUARD_REMOVE));
  tst_check(tst_faults(memory + page, false) == SIGSEGV, "the guard page can be read");
  tst_check(memcmp(memory, contents, page) == 0, "the page before the guard is wrong");
  tst_check(memory[2 * page] == 0xee, "the private change is lost");
  tst_check(memcmp(memory + 2 * page + 1, contents + 2 * page + 1, 2 * page - 1) == 0, "the pages after the guard are wrong");
  return tst_pass();
}
