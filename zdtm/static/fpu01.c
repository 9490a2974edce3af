// zdtm: {"category": "arch-regs", "needs": ["arch:x64", "cpu:avx"], "spoils": true, "verifies": "AVX registers keep both halves"}
#include "hold.h"

#define COUNT 64

static void hold(int in_thread) {
  double in[COUNT] __attribute__((aligned(64))), out[COUNT] __attribute__((aligned(64)));
  int self = in_thread ? (int)syscall(SYS_gettid) : 1;
  for (int i = 0; i < COUNT; i++) in[i] = (double)(self * 3.5 + i / 9.0);
  memset(out, 0, sizeof(out));
  hold_loaded();
  HOLD_INPUTS;
  register double *from asm("r12") = in, *to asm("r13") = out;
  asm volatile(
      "vmovupd 0(%%r12), %%ymm0\n"
      "vmovupd 32(%%r12), %%ymm1\n"
      "vmovupd 64(%%r12), %%ymm2\n"
      "vmovupd 96(%%r12), %%ymm3\n"
      "vmovupd 128(%%r12), %%ymm4\n"
      "vmovupd 160(%%r12), %%ymm5\n"
      "vmovupd 192(%%r12), %%ymm6\n"
      "vmovupd 224(%%r12), %%ymm7\n"
      "vmovupd 256(%%r12), %%ymm8\n"
      "vmovupd 288(%%r12), %%ymm9\n"
      "vmovupd 320(%%r12), %%ymm10\n"
      "vmovupd 352(%%r12), %%ymm11\n"
      "vmovupd 384(%%r12), %%ymm12\n"
      "vmovupd 416(%%r12), %%ymm13\n"
      "vmovupd 448(%%r12), %%ymm14\n"
      "vmovupd 480(%%r12), %%ymm15\n"
      HOLD_ASM
      "vmovupd %%ymm0, 0(%%r13)\n"
      "vmovupd %%ymm1, 32(%%r13)\n"
      "vmovupd %%ymm2, 64(%%r13)\n"
      "vmovupd %%ymm3, 96(%%r13)\n"
      "vmovupd %%ymm4, 128(%%r13)\n"
      "vmovupd %%ymm5, 160(%%r13)\n"
      "vmovupd %%ymm6, 192(%%r13)\n"
      "vmovupd %%ymm7, 224(%%r13)\n"
      "vmovupd %%ymm8, 256(%%r13)\n"
      "vmovupd %%ymm9, 288(%%r13)\n"
      "vmovupd %%ymm10, 320(%%r13)\n"
      "vmovupd %%ymm11, 352(%%r13)\n"
      "vmovupd %%ymm12, 384(%%r13)\n"
      "vmovupd %%ymm13, 416(%%r13)\n"
      "vmovupd %%ymm14, 448(%%r13)\n"
      "vmovupd %%ymm15, 480(%%r13)\n"
      "vzeroupper\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to)
      : HOLD_CLOBBERS, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  TST_SPOIL out[3] = 0;
  hold_same(out, in, sizeof(in), "registers");
}

int main(void) { return hold_case(hold, 0); }
