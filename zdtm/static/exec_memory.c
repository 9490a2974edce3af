// zdtm: {"category": "memory", "needs": ["arch:x64"], "verifies": "code that the task has written into memory of its own still runs"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  /* lea 11(%rdi),%eax; ret */
  static const uint8_t code[] = {0x8d, 0x47, 0x0b, 0xc3};
  uint8_t *sealed = tst_private(page), *open_code = tst_sys(mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC,
                                                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memcpy(sealed + 100, code, sizeof(code));
  memcpy(open_code, code, sizeof(code));
  tst_sys(mprotect(sealed, page, PROT_READ | PROT_EXEC));
  int (*first)(int) = (int (*)(int))(uintptr_t)(sealed + 100), (*second)(int) = (int (*)(int))(uintptr_t)open_code;
  tst_check(first(1) == 12 && second(2) == 13, "the code is wrong");
  tst_ready();
  TST_SPOIL open_code[2] = 1;
  tst_check(first(31) == 42, "the sealed code gives %d", first(31));
  tst_check(second(32) == 43, "the open code gives %d", second(32));
  open_code[2] = 0x0c;
  tst_check(second(32) == 44, "the open code cannot be changed");
  return tst_pass();
}
