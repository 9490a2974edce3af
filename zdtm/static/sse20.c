// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:sse2"], "spoils": true, "verifies": "SSE2 registers keep their packed doubles"}
#include "hold.h"

#define COUNT 32

static void hold(int in_thread) {
  double in[COUNT] __attribute__((aligned(64))), out[COUNT] __attribute__((aligned(64)));
  int self = in_thread ? (int)syscall(SYS_gettid) : 1;
  for (int i = 0; i < COUNT; i++) in[i] = (double)(self * 1e100 + i / 7.0);
  memset(out, 0, sizeof(out));
  hold_loaded();
  HOLD_INPUTS;
  register double *from asm("r12") = in, *to asm("r13") = out;
  asm volatile(
      "movupd 0(%%r12), %%xmm0\n"
      "movupd 16(%%r12), %%xmm1\n"
      "movupd 32(%%r12), %%xmm2\n"
      "movupd 48(%%r12), %%xmm3\n"
      "movupd 64(%%r12), %%xmm4\n"
      "movupd 80(%%r12), %%xmm5\n"
      "movupd 96(%%r12), %%xmm6\n"
      "movupd 112(%%r12), %%xmm7\n"
      "movupd 128(%%r12), %%xmm8\n"
      "movupd 144(%%r12), %%xmm9\n"
      "movupd 160(%%r12), %%xmm10\n"
      "movupd 176(%%r12), %%xmm11\n"
      "movupd 192(%%r12), %%xmm12\n"
      "movupd 208(%%r12), %%xmm13\n"
      "movupd 224(%%r12), %%xmm14\n"
      "movupd 240(%%r12), %%xmm15\n"
      HOLD_ASM
      "movupd %%xmm0, 0(%%r13)\n"
      "movupd %%xmm1, 16(%%r13)\n"
      "movupd %%xmm2, 32(%%r13)\n"
      "movupd %%xmm3, 48(%%r13)\n"
      "movupd %%xmm4, 64(%%r13)\n"
      "movupd %%xmm5, 80(%%r13)\n"
      "movupd %%xmm6, 96(%%r13)\n"
      "movupd %%xmm7, 112(%%r13)\n"
      "movupd %%xmm8, 128(%%r13)\n"
      "movupd %%xmm9, 144(%%r13)\n"
      "movupd %%xmm10, 160(%%r13)\n"
      "movupd %%xmm11, 176(%%r13)\n"
      "movupd %%xmm12, 192(%%r13)\n"
      "movupd %%xmm13, 208(%%r13)\n"
      "movupd %%xmm14, 224(%%r13)\n"
      "movupd %%xmm15, 240(%%r13)\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to)
      : HOLD_CLOBBERS, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  TST_SPOIL out[3] = 0;
  hold_same(out, in, sizeof(in), "registers");
}

int main(void) { return hold_case(hold, 0); }
