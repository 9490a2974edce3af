// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "spoils": true, "verifies": "the SSE control word keeps rounding mode, masks and sticky flags"}
#include "hold.h"

static void hold(int in_thread) {
  /* Round down, flush to zero, the divide-by-zero and the inexact flag raised. */
  uint32_t words[2] = {0x1f80 | 0x2000 | 0x8000 | 0x24, 0}, usual = 0x1f80;
  (void)in_thread;
  hold_loaded();
  HOLD_INPUTS;
  register uint32_t *at asm("r12") = words;
  asm volatile(
      "ldmxcsr 0(%%r12)\n"
      HOLD_ASM
      "stmxcsr 4(%%r12)\n"
      :
      : HOLD_OPERANDS, "r"(at)
      : HOLD_CLOBBERS);
  asm volatile("ldmxcsr %0" : : "m"(usual));
  TST_SPOIL words[1] = usual;
  tst_check(words[1] == words[0], "it is %x, was %x", words[1], words[0]);
}

int main(void) { return hold_case(hold, 0); }
