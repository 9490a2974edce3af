// zdtm: {"category": "memory", "verifies": "a private file mapping that was written and then made read-only keeps what was written, beside clean pages of the file"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *contents = tst_private(6 * page);
  tst_fill(contents, 6 * page, 1);
  int fd = tst_sys(open("relro", O_RDWR | O_CREAT, 0600));
  tst_sys(write(fd, contents, 6 * page));
  uint8_t *memory = tst_sys(mmap(NULL, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  tst_fill(memory + page, page, 2);
  memset(memory + 3 * page, 0, page);
  tst_sys(mprotect(memory, 4 * page, PROT_READ));
  tst_sys(mprotect(memory + 4 * page, page, PROT_READ | PROT_EXEC));
  tst_ready();
  TST_SPOIL {
    tst_sys(mprotect(memory, 4 * page, PROT_READ | PROT_WRITE));
    tst_sys(madvise(memory + 3 * page, page, MADV_DONTNEED));
    tst_sys(mprotect(memory, 4 * page, PROT_READ));
  }
  tst_check(tst_differs(memory + page, page, 2) < 0, "the written page is wrong");
  for (size_t i = 0; i < page; i++) tst_check(memory[3 * page + i] == 0, "the zeroed page shows the file");
  for (int i = 0; i < 6; i++)
    if (i != 1 && i != 3)
      tst_check(!memcmp(memory + (size_t)i * page, contents + (size_t)i * page, page), "clean page %d is wrong", i);
  tst_check(tst_faults(memory + page, true) == SIGSEGV, "the area can be written");
  tst_sys(pwrite(fd, "fresh", 5, 0));
  tst_check(!memcmp(memory, "fresh", 5), "the clean page does not follow the file any more");
  return tst_pass();
}
