// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "verifies": "a loop that keeps a checksum in general and vector registers alone gives the right sum"}
#include "tst.h"

/* No memory in between: a register changed anywhere in a turn changes the result. */
static uint64_t turn(uint64_t seed) {
  uint64_t result;
  asm volatile(
      "mov %[seed], %%rax\n mov %%rax, %%r8\n not %%r8\n mov $0x9e3779b97f4a7c15, %%r9\n"
      "movq %%rax, %%xmm0\n movq %%r8, %%xmm1\n pxor %%xmm2, %%xmm2\n movq %%r9, %%xmm15\n"
      "mov $3000000, %%ecx\n xor %%r10, %%r10\n xor %%r11, %%r11\n mov %%rax, %%r12\n mov %%rax, %%r13\n"
      "1: imul %%r9, %%rax\n rol $13, %%rax\n xor %%rax, %%r8\n add %%r8, %%r10\n adc $0, %%r11\n"
      "lea 1(%%r12, %%r10), %%r12\n xor %%r12, %%r13\n ror $7, %%r13\n"
      "paddq %%xmm15, %%xmm0\n pxor %%xmm0, %%xmm1\n paddq %%xmm1, %%xmm2\n"
      "dec %%ecx\n jnz 1b\n"
      "movq %%xmm2, %%rcx\n xor %%rcx, %%rax\n xor %%r10, %%rax\n xor %%r11, %%rax\n xor %%r13, %%rax\n"
      "mov %%rax, %[result]\n"
      : [result] "=r"(result)
      : [seed] "r"(seed)
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "xmm0", "xmm1", "xmm2", "xmm15", "cc");
  return result;
}

int main(void) {
  tst_begin();
  uint64_t expected = turn(42);
  TST_SPOIL expected++;
  tst_mark_ready();
  while (tst_going()) {
    uint64_t got = turn(42);
    tst_check(got == expected, "the sum is %lx, not %lx", (long)got, (long)expected);
  }
  for (int i = 0; i < 3; i++) tst_check(turn(42) == expected, "the sum is wrong after all");
  return tst_pass();
}
