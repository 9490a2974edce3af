// zdtm: {"category": "arch-regs", "needs": ["arch:x64"], "spoils": true, "verifies": "every general register that a system call leaves alone, and the flags, keep their values"}
#include "hold.h"

/* The assembler code names them. */
static uint64_t in[9] __attribute__((used)), out[9] __attribute__((used)), flags __attribute__((used));

static void hold(int in_thread) {
  (void)in_thread;
  for (int i = 0; i < 9; i++) in[i] = 0x0123456789abcdefu * (uint64_t)(i + 3);
  hold_loaded();
  HOLD_INPUTS;
  asm volatile(
      "sub $128, %%rsp\n push %%rbx\n push %%rbp\n" /* the red zone is the compiler's */
      "mov 0+in(%%rip), %%rbx\n mov 8+in(%%rip), %%rbp\n mov 16+in(%%rip), %%r8\n mov 24+in(%%rip), %%r9\n"
      "mov 32+in(%%rip), %%r12\n mov 40+in(%%rip), %%r13\n mov 48+in(%%rip), %%r14\n mov 56+in(%%rip), %%r15\n"
      "1: movl $202, %%eax\n"
      "std\n stc\n" /* direction and carry; nothing between here and the store changes flags */
      "syscall\n"
      "pushfq\n pop 0+flags(%%rip)\n cld\n"
      "cmpl $0, (%%rdi)\n je 1b\n"
      "mov %%rbx, 0+out(%%rip)\n mov %%rbp, 8+out(%%rip)\n mov %%r8, 16+out(%%rip)\n mov %%r9, 24+out(%%rip)\n"
      "mov %%r12, 32+out(%%rip)\n mov %%r13, 40+out(%%rip)\n mov %%r14, 48+out(%%rip)\n mov %%r15, 56+out(%%rip)\n"
      "mov %%rsi, 64+out(%%rip)\n"
      "pop %%rbp\n pop %%rbx\n add $128, %%rsp\n"
      :
      : HOLD_OPERANDS
      : HOLD_CLOBBERS, "r8", "r9", "r12", "r13", "r14", "r15");
  in[8] = 0; /* rsi: the operation */
  TST_SPOIL out[5]++;
  hold_same(out, in, sizeof(in), "registers");
  tst_check((flags & 0x401) == 0x401, "the flags are %lx", (long)flags);
}

int main(void) { return hold_case(hold, 0); }
