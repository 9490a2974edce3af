// zdtm: {"category": "memory", "verifies": "each protection made by mprotect on parts of one area is enforced"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};
  uint8_t *memory = tst_private(4 * page);
  tst_fill(memory, 4 * page, 4);
  for (int i = 0; i < 4; i++) tst_sys(mprotect(memory + (size_t)i * page, page, protections[i]));
  tst_ready();
  TST_SPOIL tst_sys(mprotect(memory, page, PROT_READ));
  for (int i = 0; i < 4; i++) {
    uint8_t *at = memory + (size_t)i * page + 11;
    int read = tst_faults(at, false), write = tst_faults(at, true);
    tst_check(read == (protections[i] & PROT_READ ? 0 : SIGSEGV), "page %d: a read gives signal %d", i, read);
    tst_check(write == (protections[i] & PROT_WRITE ? 0 : SIGSEGV), "page %d: a write gives signal %d", i, write);
  }
  tst_sys(mprotect(memory, page, PROT_READ));
  tst_check(tst_differs(memory, page, 4) < 0, "the closed page has lost its bytes");
  return tst_pass();
}
