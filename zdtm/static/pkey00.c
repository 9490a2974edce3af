// zdtm: {"category": "memory", "needs": ["cpu:ospke"], "verifies": "memory under a protection key keeps key and bytes, and the key stays taken"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  int key = pkey_alloc(0, 0);
  if (key < 0) tst_skip("no protection keys: %s", strerror(errno));
  uint8_t *memory = tst_private(page);
  tst_fill(memory, page, 1);
  tst_sys(pkey_mprotect(memory, page, PROT_READ | PROT_WRITE, key));
  tst_sys(pkey_set(key, PKEY_DISABLE_ACCESS));
  tst_ready();
  TST_SPOIL tst_sys(pkey_set(key, 0));
  tst_check(pkey_get(key) == PKEY_DISABLE_ACCESS, "the key allows %d", pkey_get(key));
  tst_check(tst_faults(memory, false) == SIGSEGV, "memory under the closed key can be read");
  tst_sys(pkey_set(key, 0));
  tst_check(tst_differs(memory, page, 1) < 0, "the bytes are wrong");
  int next = pkey_alloc(0, 0);
  tst_check(next != key, "the key is free for a second owner");
  return tst_pass();
}
