// zdtm: {"category": "arch-regs", "needs": ["i386"], "except": {"memory": "only the task itself can tell, and the page of code in which it is asked stays its own"}, "refused": "has memory segments of its own \\(modify_ldt\\)", "verifies": "a program that has made a segment of its own is refused and goes on, also while no register shows it"}
#include "tst.h"

#include <asm/ldt.h>

static uint32_t page[1024];

int main(void) {
  tst_begin();
  struct user_desc desc = {.entry_number = 1, .base_addr = (uintptr_t)page, .limit = 4095, .seg_32bit = 1, .useable = 1};
  if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc))) tst_skip("no segments here: %s", strerror(errno));
  page[3] = 77;
  tst_ready();
  uint32_t word;
  TST_SPOIL page[3]++;
  asm volatile("mov %1, %%fs\n movl %%fs:12, %0\n" : "=r"(word) : "r"((uint16_t)(1 << 3 | 7)));
  tst_check(word == 77, "by the segment it reads %u", word);
  return tst_pass();
}
