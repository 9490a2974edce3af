// zdtm: {"category": "memory", "needs": ["arch:x64"], "verifies": "nothing is written below the stack pointer of a task that keeps data there"}
#include "tst.h"

/* The stack pointer goes up and down over an area that was filled; what lies below it must stay as it is. */
#define SIZE (256 << 10)

static uint8_t own_stack[SIZE] __attribute__((aligned(4096)));

int main(void) {
  tst_begin();
  tst_fill(own_stack, SIZE, 7);
  tst_mark_ready();
  while (tst_going()) {
    uint64_t turns = 2000000;
    /* At the very bottom of the area: nothing at all lies below that is anybody's. */
    asm volatile(
        "mov %%rsp, %%rbx\n"
        "mov %[low], %%rsp\n"
        "1: add $64, %%rsp\n"
        "sub $64, %%rsp\n"
        "dec %[turns]\n"
        "jnz 1b\n"
        "mov %%rbx, %%rsp\n"
        : [turns] "+r"(turns)
        : [low] "r"(own_stack + SIZE / 2)
        : "rbx", "cc", "memory");
    TST_SPOIL own_stack[SIZE / 2 - 300] ^= 1;
    long wrong = tst_differs(own_stack, SIZE, 7);
    tst_check(wrong < 0, "byte %ld of the stack area was written, %ld below the stack pointer", wrong, SIZE / 2 - wrong);
  }
  return tst_pass();
}
