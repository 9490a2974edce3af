// zdtm: {"category": "memory", "verifies": "shared memory that a child remaps to other sizes over and over keeps its checksum"}
#include "tst.h"

#define MOST 256

static struct {
  tst_step turn, seen;
} *steps;
static uint8_t *memory;
static size_t page;

static int child(void *unused) {
  (void)unused;
  uint8_t *at = memory;
  size_t pages = MOST;
  for (int turn = 1;; turn++) {
    tst_await(&steps->turn, turn);
    size_t next = 16 + (size_t)(turn * 53) % (MOST - 16);
    /* Down and up again: what was cut off is in the object still. */
    at = tst_sys(mremap(at, pages * page, next * page, MREMAP_MAYMOVE));
    pages = next;
    TST_SPOIL at[0] ^= 1;
    for (size_t i = 0; i < pages; i++)
      tst_check(tst_differs(at + i * page, 256, (uint32_t)turn) < 0, "turn %d: page %zu is wrong", turn, i);
    tst_set(&steps->seen, turn);
  }
}

int main(void) {
  tst_begin();
  page = tst_page();
  steps = tst_shared(sizeof(*steps));
  memory = tst_shared(MOST * page);
  tst_child(child, NULL);
  tst_mark_ready();
  for (int turn = 1; tst_going() || turn < 4; turn++) {
    for (size_t i = 0; i < MOST; i++) tst_fill(memory + i * page, 256, (uint32_t)turn);
    tst_set(&steps->turn, turn);
    tst_await(&steps->seen, turn);
  }
  return tst_pass();
}
