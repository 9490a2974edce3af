// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "cc": ["-lm"], "spoils": true, "verifies": "an x87 calculation left half way, with its control word, ends right"}
#include "hold.h"

#ifndef THREADS
#define THREADS 0
#endif

/* Eight numbers on the register stack, rounding up, single precision; they are summed up after the wait. */
static void hold(int in_thread) {
  double in[8], out[8];
  uint16_t control = 0x0c7f & ~0x0300, control_after = 0, status_after = 0, usual;
  control = (uint16_t)((control & ~0x0c00) | 0x0800);
  for (int i = 0; i < 8; i++) in[i] = 1.0 / (3 + i + in_thread);
  asm volatile("fnstcw %0" : "=m"(usual));
  hold_loaded();
  HOLD_INPUTS;
  register double *from asm("r12") = in, *to asm("r13") = out;
  register uint16_t *words asm("r14") = (uint16_t[]){control, 0, 0};
  asm volatile(
      "fninit\n"
      "fldl 0(%%r12)\n fldl 8(%%r12)\n fldl 16(%%r12)\n fldl 24(%%r12)\n"
      "fldl 32(%%r12)\n fldl 40(%%r12)\n fldl 48(%%r12)\n fldl 56(%%r12)\n"
      "fldcw 0(%%r14)\n"
      "fadd %%st(1), %%st\n" /* 56 + 48, rounded up to single precision */
      HOLD_ASM
      "fnstcw 2(%%r14)\n"
      "fnstsw 4(%%r14)\n"
      "fstpl 0(%%r13)\n fstpl 8(%%r13)\n fstpl 16(%%r13)\n fstpl 24(%%r13)\n"
      "fstpl 32(%%r13)\n fstpl 40(%%r13)\n fstpl 48(%%r13)\n fstpl 56(%%r13)\n"
      "fninit\n"
      :
      : HOLD_OPERANDS, "r"(from), "r"(to), "r"(words)
      : HOLD_CLOBBERS, "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  asm volatile("fldcw %0" : : "m"(usual));
  control_after = words[1];
  status_after = words[2];
  TST_SPOIL out[4] = 0;
  tst_check(control_after == control, "the control word is %x, was %x", control_after, control);
  tst_check((status_after >> 11 & 7) == 0 && status_after & 0x20, "the status word is %x", status_after);
  float sum = (float)(in[7] + in[6]);
  if ((double)sum < in[7] + in[6]) sum = __builtin_nextafterf(sum, 2.0f);
  tst_check(out[0] == (double)sum, "the sum is %.17g, not %.17g", out[0], (double)sum);
  for (int i = 1; i < 8; i++) tst_check(out[i] == in[7 - i], "register %d is %.17g, not %.17g", i, out[i], in[7 - i]);
}

int main(void) { return hold_case(hold, THREADS); }
