// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:sse"], "spoils": true, "verifies": "SSE registers keep their packed floats"}
#include "hold.h"

#define COUNT 64

static void hold(int in_thread) {
  float in[COUNT] __attribute__((aligned(64))), out[COUNT] __attribute__((aligned(64)));
  int self = in_thread ? (int)syscall(SYS_gettid) : 1;
  for (int i = 0; i < COUNT; i++) in[i] = (float)((float)self * 1.25f + (float)i / 3.0f);
  memset(out, 0, sizeof(out));
  hold_loaded();
  HOLD_INPUTS;
  register float *from asm("r12") = in, *to asm("r13") = out;
  asm volatile(
      "movups 0(%%r12), %%xmm0\n"
      "movups 16(%%r12), %%xmm1\n"
      "movups 32(%%r12), %%xmm2\n"
      "movups 48(%%r12), %%xmm3\n"
      "movups 64(%%r12), %%xmm4\n"
      "movups 80(%%r12), %%xmm5\n"
      "movups 96(%%r12), %%xmm6\n"
      "movups 112(%%r12), %%xmm7\n"
      "movups 128(%%r12), %%xmm8\n"
      "movups 144(%%r12), %%xmm9\n"
      "movups 160(%%r12), %%xmm10\n"
      "movups 176(%%r12), %%xmm11\n"
      "movups 192(%%r12), %%xmm12\n"
      "movups 208(%%r12), %%xmm13\n"
      "movups 224(%%r12), %%xmm14\n"
      "movups 240(%%r12), %%xmm15\n"
      HOLD_ASM
      "movups %%xmm0, 0(%%r13)\n"
      "movups %%xmm1, 16(%%r13)\n"
      "movups %%xmm2, 32(%%r13)\n"
      "movups %%xmm3, 48(%%r13)\n"
      "movups %%xmm4, 64(%%r13)\n"
      "movups %%xmm5, 80(%%r13)\n"
      "movups %%xmm6, 96(%%r13)\n"
      "movups %%xmm7, 112(%%r13)\n"
      "movups %%xmm8, 128(%%r13)\n"
      "movups %%xmm9, 144(%%r13)\n"
      "movups %%xmm10, 160(%%r13)\n"
      "movups %%xmm11, 176(%%r13)\n"
      "movups %%xmm12, 192(%%r13)\n"
      "movups %%xmm13, 208(%%r13)\n"
      "movups %%xmm14, 224(%%r13)\n"
      "movups %%xmm15, 240(%%r13)\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to)
      : HOLD_CLOBBERS, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  TST_SPOIL out[3] = 0;
  hold_same(out, in, sizeof(in), "registers");
}

int main(void) { return hold_case(hold, 0); }
