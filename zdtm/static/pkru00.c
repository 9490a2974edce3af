// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:ospke"], "cc": ["-mpku"], "spoils": true, "verifies": "the protection-key register keeps its rights"}
#include "hold.h"

static void hold(int in_thread) {
  uint32_t value = 0;
  (void)in_thread;
  int key = pkey_alloc(0, PKEY_DISABLE_WRITE);
  if (key < 0) tst_fail("pkey_alloc: %s", strerror(errno));
  uint32_t before = (uint32_t)__builtin_ia32_rdpkru();
  hold_loaded();
  tst_await(&hold_shared->go, 1);
  value = (uint32_t)__builtin_ia32_rdpkru();
  TST_SPOIL value = 0;
  tst_check(value == before, "it is %x, was %x", value, before);
}

int main(void) { return hold_case(hold, 0); }
