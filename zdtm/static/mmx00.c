// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:mmx"], "spoils": true, "verifies": "MMX registers keep their packed values"}
#include "hold.h"

#define COUNT 32

static void hold(int in_thread) {
  int16_t in[COUNT] __attribute__((aligned(64))), out[COUNT] __attribute__((aligned(64)));
  int self = in_thread ? (int)syscall(SYS_gettid) : 1;
  for (int i = 0; i < COUNT; i++) in[i] = (int16_t)(self * 101 + i * 7);
  memset(out, 0, sizeof(out));
  hold_loaded();
  HOLD_INPUTS;
  register int16_t *from asm("r12") = in, *to asm("r13") = out;
  asm volatile(
      "movq 0(%%r12), %%mm0\n"
      "movq 8(%%r12), %%mm1\n"
      "movq 16(%%r12), %%mm2\n"
      "movq 24(%%r12), %%mm3\n"
      "movq 32(%%r12), %%mm4\n"
      "movq 40(%%r12), %%mm5\n"
      "movq 48(%%r12), %%mm6\n"
      "movq 56(%%r12), %%mm7\n"
      HOLD_ASM
      "movq %%mm0, 0(%%r13)\n"
      "movq %%mm1, 8(%%r13)\n"
      "movq %%mm2, 16(%%r13)\n"
      "movq %%mm3, 24(%%r13)\n"
      "movq %%mm4, 32(%%r13)\n"
      "movq %%mm5, 40(%%r13)\n"
      "movq %%mm6, 48(%%r13)\n"
      "movq %%mm7, 56(%%r13)\n"
      "emms\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to)
      : HOLD_CLOBBERS, "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7");
  TST_SPOIL out[3] = 0;
  hold_same(out, in, sizeof(in), "registers");
}

int main(void) { return hold_case(hold, 0); }
