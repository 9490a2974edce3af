// zdtm: {"category": "memory", "verifies": "a large, fully written private mapping keeps every byte"}
#include "tst.h"

#define SIZE (48UL << 20)

int main(void) {
  tst_begin();
  uint8_t *memory = tst_private(SIZE);
  tst_fill(memory, SIZE, 77);
  tst_ready();
  TST_SPOIL memory[SIZE / 3] ^= 1;
  long at = tst_differs(memory, SIZE, 77);
  tst_check(at < 0, "byte %ld of the mapping is wrong", at);
  return tst_pass();
}
