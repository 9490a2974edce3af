// zdtm: {"category": "memory", "verifies": "areas that are mapped, protected, written and unmapped at random are at every step what a child, following in shared memory, expects"}
#include "tst.h"

#define PAGES 64

static struct {
  tst_step turn, seen;
  uint32_t seeds[PAGES]; /* 0: unmapped or empty */
  uint8_t copy[PAGES][64];
} *shared;

/* The child checks what the parent says of its pages against what it copies out of them. */
static int child(void *unused) {
  (void)unused;
  for (int turn = 1;; turn++) {
    tst_await(&shared->turn, turn);
    for (int i = 0; i < PAGES; i++)
      if (shared->seeds[i])
        tst_check(tst_differs(shared->copy[i], 64, shared->seeds[i]) < 0, "turn %d: page %d is wrong", turn, i);
    tst_set(&shared->seen, turn);
  }
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  shared = tst_shared(sizeof(*shared));
  uint8_t *base = tst_sys(mmap(NULL, PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  tst_child(child, NULL);
  tst_mark_ready();
  uint32_t state = 99;
  for (int turn = 1; tst_going(); turn++) {
    for (int step = 0; step < 16; step++) {
      state = state * 1664525u + 1013904223u;
      int i = (int)(state >> 10) % PAGES, what = (int)(state >> 24) % 4;
      uint8_t *at = base + (size_t)i * page;
      if (what == 0) {
        tst_sys(munmap(at, page));
        tst_sys(mmap(at, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        shared->seeds[i] = 0;
      } else if (what == 1) tst_sys(mprotect(at, page, PROT_READ));
      else {
        tst_sys(mmap(at, page, PROT_READ | PROT_WRITE, (what == 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        shared->seeds[i] = state | 1;
        tst_fill(at, page, shared->seeds[i]);
      }
    }
    for (int i = 0; i < PAGES; i++) {
      if (!shared->seeds[i]) continue;
      tst_sys(mprotect(base + (size_t)i * page, page, PROT_READ));
      tst_check(tst_differs(base + (size_t)i * page, page, shared->seeds[i]) < 0, "turn %d: own page %d is wrong", turn, i);
      memcpy(shared->copy[i], base + (size_t)i * page, 64);
      TST_SPOIL shared->copy[i][5] ^= 1;
    }
    tst_set(&shared->turn, turn);
    tst_await(&shared->seen, turn);
  }
  return tst_pass();
}
