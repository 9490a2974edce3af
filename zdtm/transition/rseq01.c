// zdtm: {"category": "rseq", "needs": ["arch:x64"], "verifies": "a task interrupted in a restartable sequence is sent to its abort handler, never half way on"}
#include "tst.h"

#include <linux/rseq.h>

enum { SIGN = 0x53053053 };
static struct rseq area __attribute__((aligned(32)));

/*
 * A long restartable sequence: turns a counter round in a register and stores it at the very end. An interruption
 * inside has to lead to the abort handler, so a stored count is always whole.
 */
static bool sequence(volatile uint64_t *stored, uint64_t turns) {
  uint64_t count = 0, aborted = 0;
  __asm__ volatile(
      ".pushsection .data.rel, \"aw\"\n"
      ".balign 32\n"
      "1: .long 0, 0\n"
      ".quad 2f, 3f - 2f, 4f\n"
      ".popsection\n"
      "lea 1b(%%rip), %%rax\n"
      "mov %%rax, %[area]\n"
      "2: inc %[count]\n"
      "cmp %[turns], %[count]\n"
      "jb 2b\n"
      "mov %[count], (%[stored])\n"
      "3: jmp 5f\n"
      ".byte 0x0f, 0xb9, 0x3d\n"
      ".long 0x53053053\n"
      "4: mov $1, %[aborted]\n"
      "5:\n"
      : [count] "+r"(count), [aborted] "+r"(aborted), [area] "=m"(area.rseq_cs)
      : [turns] "r"(turns), [stored] "r"(stored)
      : "rax", "memory", "cc");
  return !aborted;
}

int main(void) {
  tst_begin();
  tst_sys(syscall(SYS_rseq, &area, sizeof(area), 0, SIGN));
  tst_mark_ready();
  uint64_t whole = 0;
  while (tst_going()) {
    for (int i = 0; i < 20; i++) {
      volatile uint64_t stored = 0;
      bool done = sequence(&stored, 300000);
      tst_check(stored == (done ? 300000 : 0), "a sequence that %s stored %lu", done ? "ended" : "was aborted",
                (unsigned long)stored);
      whole += done;
    }
  }
  TST_SPOIL tst_sys(syscall(SYS_rseq, &area, sizeof(area), RSEQ_FLAG_UNREGISTER, SIGN));
  tst_check(whole > 0, "no sequence ever ended");
  tst_check(syscall(SYS_rseq, &area, sizeof(area), 0, SIGN) == -1 && errno == EBUSY, "the area is not registered");
  return tst_pass();
}
