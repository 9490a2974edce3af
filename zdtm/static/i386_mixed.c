// zdtm: {"category": "arch-regs", "needs": ["i386-mode"], "except": {"state": "it computes", "memory": "it counts"}, "refused": "the task changes between 64-bit and 32-bit code", "verifies": "a 64-bit program that has jumped into 32-bit code is refused and goes on"}
#include "tst.h"

/* incl counter; jmp back */
static const uint8_t code[] = {0xff, 0x05, 0, 0, 0, 0, 0xeb, 0xf8};

typedef struct __attribute__((packed)) {
  uint32_t offset;
  uint16_t segment;
} far_pointer;

int main(void) {
  tst_begin();
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT;
  uint8_t *low = tst_sys(mmap(NULL, tst_page(), PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0));
  volatile uint32_t *counter = (uint32_t *)(low + 256);
  uint32_t at = (uint32_t)(uintptr_t)counter;
  memcpy(low, code, sizeof(code));
  memcpy(low + 2, &at, sizeof(at));
  far_pointer *far = (far_pointer *)(low + 512);
  *far = (far_pointer){(uint32_t)(uintptr_t)low, 0x23};
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    /* 64-bit code needs no data segment, and has none */
    asm volatile("mov %1, %%ds\n ljmp *(%0)" : : "r"(far), "r"(0x2b) : "memory");
    __builtin_unreachable();
  }
  tst_until(*counter > 0, "the child does not count");
  tst_ready();
  TST_SPOIL tst_end(pid);
  uint32_t now = *counter;
  tst_until(*counter != now, "the child does not go on");
  tst_end(pid);
  return tst_pass();
}
