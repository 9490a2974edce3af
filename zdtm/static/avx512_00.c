// zdtm: {"category": "arch-regs", "cc": ["-mavx512f", "-mavx512bw"], "needs": ["arch:x64", "cpu:avx512f", "cpu:avx512bw"], "spoils": true, "verifies": "all thirty-two AVX-512 registers and the eight mask registers keep their values"}
#include "hold.h"

#define COUNT 264
#ifndef THREADS
#define THREADS 0
#endif

static void hold(int in_thread) {
  uint64_t in[COUNT] __attribute__((aligned(64))), out[COUNT] __attribute__((aligned(64)));
  int self = in_thread ? (int)syscall(SYS_gettid) : 1;
  for (int i = 0; i < COUNT; i++) in[i] = (uint64_t)(0x9e3779b97f4a7c15u * (uint64_t)(i + 1) * (uint64_t)self);
  memset(out, 0, sizeof(out));
  hold_loaded();
  HOLD_INPUTS;
  register uint64_t *from asm("r12") = in, *to asm("r13") = out;
  asm volatile(
      "vmovdqu64 0(%%r12), %%zmm0\n"
      "vmovdqu64 64(%%r12), %%zmm1\n"
      "vmovdqu64 128(%%r12), %%zmm2\n"
      "vmovdqu64 192(%%r12), %%zmm3\n"
      "vmovdqu64 256(%%r12), %%zmm4\n"
      "vmovdqu64 320(%%r12), %%zmm5\n"
      "vmovdqu64 384(%%r12), %%zmm6\n"
      "vmovdqu64 448(%%r12), %%zmm7\n"
      "vmovdqu64 512(%%r12), %%zmm8\n"
      "vmovdqu64 576(%%r12), %%zmm9\n"
      "vmovdqu64 640(%%r12), %%zmm10\n"
      "vmovdqu64 704(%%r12), %%zmm11\n"
      "vmovdqu64 768(%%r12), %%zmm12\n"
      "vmovdqu64 832(%%r12), %%zmm13\n"
      "vmovdqu64 896(%%r12), %%zmm14\n"
      "vmovdqu64 960(%%r12), %%zmm15\n"
      "vmovdqu64 1024(%%r12), %%zmm16\n"
      "vmovdqu64 1088(%%r12), %%zmm17\n"
      "vmovdqu64 1152(%%r12), %%zmm18\n"
      "vmovdqu64 1216(%%r12), %%zmm19\n"
      "vmovdqu64 1280(%%r12), %%zmm20\n"
      "vmovdqu64 1344(%%r12), %%zmm21\n"
      "vmovdqu64 1408(%%r12), %%zmm22\n"
      "vmovdqu64 1472(%%r12), %%zmm23\n"
      "vmovdqu64 1536(%%r12), %%zmm24\n"
      "vmovdqu64 1600(%%r12), %%zmm25\n"
      "vmovdqu64 1664(%%r12), %%zmm26\n"
      "vmovdqu64 1728(%%r12), %%zmm27\n"
      "vmovdqu64 1792(%%r12), %%zmm28\n"
      "vmovdqu64 1856(%%r12), %%zmm29\n"
      "vmovdqu64 1920(%%r12), %%zmm30\n"
      "vmovdqu64 1984(%%r12), %%zmm31\n"
      "kmovq 2048(%%r12), %%k0\n"
      "kmovq 2056(%%r12), %%k1\n"
      "kmovq 2064(%%r12), %%k2\n"
      "kmovq 2072(%%r12), %%k3\n"
      "kmovq 2080(%%r12), %%k4\n"
      "kmovq 2088(%%r12), %%k5\n"
      "kmovq 2096(%%r12), %%k6\n"
      "kmovq 2104(%%r12), %%k7\n"
      HOLD_ASM
      "vmovdqu64 %%zmm0, 0(%%r13)\n"
      "vmovdqu64 %%zmm1, 64(%%r13)\n"
      "vmovdqu64 %%zmm2, 128(%%r13)\n"
      "vmovdqu64 %%zmm3, 192(%%r13)\n"
      "vmovdqu64 %%zmm4, 256(%%r13)\n"
      "vmovdqu64 %%zmm5, 320(%%r13)\n"
      "vmovdqu64 %%zmm6, 384(%%r13)\n"
      "vmovdqu64 %%zmm7, 448(%%r13)\n"
      "vmovdqu64 %%zmm8, 512(%%r13)\n"
      "vmovdqu64 %%zmm9, 576(%%r13)\n"
      "vmovdqu64 %%zmm10, 640(%%r13)\n"
      "vmovdqu64 %%zmm11, 704(%%r13)\n"
      "vmovdqu64 %%zmm12, 768(%%r13)\n"
      "vmovdqu64 %%zmm13, 832(%%r13)\n"
      "vmovdqu64 %%zmm14, 896(%%r13)\n"
      "vmovdqu64 %%zmm15, 960(%%r13)\n"
      "vmovdqu64 %%zmm16, 1024(%%r13)\n"
      "vmovdqu64 %%zmm17, 1088(%%r13)\n"
      "vmovdqu64 %%zmm18, 1152(%%r13)\n"
      "vmovdqu64 %%zmm19, 1216(%%r13)\n"
      "vmovdqu64 %%zmm20, 1280(%%r13)\n"
      "vmovdqu64 %%zmm21, 1344(%%r13)\n"
      "vmovdqu64 %%zmm22, 1408(%%r13)\n"
      "vmovdqu64 %%zmm23, 1472(%%r13)\n"
      "vmovdqu64 %%zmm24, 1536(%%r13)\n"
      "vmovdqu64 %%zmm25, 1600(%%r13)\n"
      "vmovdqu64 %%zmm26, 1664(%%r13)\n"
      "vmovdqu64 %%zmm27, 1728(%%r13)\n"
      "vmovdqu64 %%zmm28, 1792(%%r13)\n"
      "vmovdqu64 %%zmm29, 1856(%%r13)\n"
      "vmovdqu64 %%zmm30, 1920(%%r13)\n"
      "vmovdqu64 %%zmm31, 1984(%%r13)\n"
      "kmovq %%k0, 2048(%%r13)\n"
      "kmovq %%k1, 2056(%%r13)\n"
      "kmovq %%k2, 2064(%%r13)\n"
      "kmovq %%k3, 2072(%%r13)\n"
      "kmovq %%k4, 2080(%%r13)\n"
      "kmovq %%k5, 2088(%%r13)\n"
      "kmovq %%k6, 2096(%%r13)\n"
      "kmovq %%k7, 2104(%%r13)\n"
      "vzeroupper\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to)
      : HOLD_CLOBBERS, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7");
  TST_SPOIL out[3] = 0;
  hold_same(out, in, sizeof(in), "registers");
}

int main(void) { return hold_case(hold, THREADS); }
