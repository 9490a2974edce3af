// zdtm: {"category": "memory", "verifies": "shared anonymous memory with holes, of which parent and child map different pieces, is still one object"}
#include "tst.h"

#define PAGES 64

static uint8_t *region;
static tst_step *step;
static size_t page;

/* The child lacks every fifth page, the parent every third; the object has them all. */
static bool in_child(int i) { return i % 5 != 0; }
static bool in_parent(int i) { return i % 3 != 0; }

static int child(void *unused) {
  (void)unused;
  for (int i = 0; i < PAGES; i++)
    if (!in_child(i)) tst_sys(munmap(region + (size_t)i * page, page));
  tst_set(step, 1);
  tst_await(step, 2);
  for (int i = 0; i < PAGES; i++) {
    if (!in_child(i)) continue;
    uint32_t seed = (uint32_t)(in_parent(i) ? 1000 + i : i);
    tst_check(tst_differs(region + (size_t)i * page, page, seed) < 0, "page %d is not what the parent left in it", i);
    tst_fill(region + (size_t)i * page, page, (uint32_t)(2000 + i));
  }
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  page = tst_page();
  step = tst_new_step();
  region = tst_shared(PAGES * page);
  for (int i = 0; i < PAGES; i++)
    if (i % 7) tst_fill(region + (size_t)i * page, page, (uint32_t)i);
  for (int i = 0; i < PAGES; i += 7) tst_fill(region + (size_t)i * page, page, (uint32_t)i);
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  for (int i = 0; i < PAGES; i++)
    if (!in_parent(i)) tst_sys(munmap(region + (size_t)i * page, page));
  tst_ready();
  TST_SPOIL {
    uint8_t *own = region + page;
    tst_sys(mmap(own, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  }
  for (int i = 0; i < PAGES; i++) {
    if (!in_parent(i)) continue;
    tst_check(tst_spoiling() || tst_differs(region + (size_t)i * page, page, (uint32_t)i) < 0, "page %d changed", i);
    tst_fill(region + (size_t)i * page, page, (uint32_t)(1000 + i));
  }
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child has failed");
  for (int i = 0; i < PAGES; i++)
    if (in_parent(i) && in_child(i))
      tst_check(tst_differs(region + (size_t)i * page, page, (uint32_t)(2000 + i)) < 0, "page %d: not the child's", i);
  tst_end(pid);
  return tst_pass();
}
