// zdtm: {"category": "arch-regs", "needs": ["i386", "cpu:sse2"], "cc": ["-fno-pie", "-no-pie", "-msse2"], "verifies": "a 32-bit program keeps its general registers, flags, segments, x87 and SSE registers over a system call by int $0x80"}
#include "tst.h"

typedef struct {
  tst_step go;
  tst_step up;
  tst_step good;
} control;

static control *shared;
/* The assembler code names them: di, si and bp, what lies on the register stack, and the SSE registers. */
static uint32_t general[3] __attribute__((used)), flags __attribute__((used)), stack __attribute__((used));
static uint16_t control_word[2] __attribute__((used)), segments[6] __attribute__((used));
static double x87[8] __attribute__((used)), x87_after[8] __attribute__((used));
static uint8_t sse[128] __attribute__((used)), sse_after[128] __attribute__((used));

#define ALL(of) of(0) of(1) of(2) of(3) of(4) of(5) of(6) of(7)
#define LOAD_X87(n) "fldl x87+8*" #n "\n"
#define SAVE_X87(n) "fstpl x87_after+8*" #n "\n"
#define LOAD_SSE(n) "movups sse+16*" #n ", %%xmm" #n "\n"
#define SAVE_SSE(n) "movups %%xmm" #n ", sse_after+16*" #n "\n"

static int hold(void *unused) {
  (void)unused;
  static const double from[8] = {1.5, -2.25, 1e300, 1.0 / 3, 5e-324, 6, 7.75, -8};
  uint16_t now[6];
  memcpy(x87, from, sizeof(from));
  tst_fill(sse, sizeof(sse), 7);
  control_word[0] = 0x0e7f; /* towards zero, double precision */
  asm volatile("mov %%cs, %0\n mov %%ss, %1\n" : "=r"(segments[0]), "=r"(segments[1]));
  asm volatile("mov %%ds, %0\n mov %%es, %1\n" : "=r"(segments[2]), "=r"(segments[3]));
  asm volatile("mov %%fs, %0\n mov %%gs, %1\n" : "=r"(segments[4]), "=r"(segments[5]));
  tst_set(&shared->up, 1);
  asm volatile("fninit\n fldcw control_word\n" ALL(LOAD_X87) ALL(LOAD_SSE)
               "push %%ebp\n mov %%esp, stack\n"
               "mov $0x89abcdef, %%ebp\n mov $0xfedcba98, %%edi\n"
               "1: mov $240, %%eax\n xor %%edx, %%edx\n xor %%esi, %%esi\n xor %%ecx, %%ecx\n"
               "std\n stc\n int $0x80\n"
               "pushf\n pop flags\n cld\n"
               "cmpl $0, (%%ebx)\n je 1b\n"
               "mov %%ebp, general\n mov %%edi, general+4\n mov %%esi, general+8\n"
               "sub %%esp, stack\n pop %%ebp\n"
               "fnstcw control_word+2\n" ALL(SAVE_X87) ALL(SAVE_SSE) "fninit\n"
               :
               : "b"(&shared->go.value)
               : "memory", "cc", "eax", "ecx", "edx", "esi", "edi", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                 "xmm6", "xmm7", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  TST_SPOIL sse_after[77]++;
  asm volatile("mov %%cs, %0\n mov %%ss, %1\n" : "=r"(now[0]), "=r"(now[1]));
  asm volatile("mov %%ds, %0\n mov %%es, %1\n" : "=r"(now[2]), "=r"(now[3]));
  asm volatile("mov %%fs, %0\n mov %%gs, %1\n" : "=r"(now[4]), "=r"(now[5]));
  tst_check(general[0] == 0x89abcdef && general[1] == 0xfedcba98 && general[2] == 0, "ebp %x, edi %x, esi %x",
            general[0], general[1], general[2]);
  tst_check(stack == 0, "the stack pointer is off by %d", (int)stack);
  tst_check((flags & 0x401) == 0x401, "the flags are %x", flags);
  tst_check(control_word[1] == control_word[0], "the control word is %x", control_word[1]);
  for (int i = 0; i < 8; i++) tst_check(x87_after[i] == from[7 - i], "x87 register %d is %g", i, x87_after[i]);
  for (int i = 0; i < 128; i++) tst_check(sse_after[i] == sse[i], "byte %d of the SSE registers is %x", i, sse_after[i]);
  for (int i = 0; i < 6; i++) tst_check(now[i] == segments[i], "segment %d is %x, was %x", i, now[i], segments[i]);
  tst_set(&shared->good, 1);
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pid_t pid = tst_child(hold, NULL);
  tst_await(&shared->up, 1);
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  tst_set(&shared->go, 1);
  tst_check(tst_reap(pid) == 0 && shared->good.value == 1, "the child has failed");
  return tst_pass();
}
