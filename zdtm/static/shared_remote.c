// zdtm: {"category": "memory", "verifies": "shared memory that only a child still maps, larger than either view of it, keeps all its pages"}
#include "tst.h"

#define PAGES 32

static uint8_t *memory;
static tst_step *step;
static size_t page;

static int child(void *unused) {
  (void)unused;
  tst_sys(munmap(memory, 16 * page));
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL memory[20 * page] ^= 1;
  tst_check(tst_differs(memory + 16 * page, 16 * page, 2) < 0, "the upper half is wrong");
  memory[31 * page] = 0x31;
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  page = tst_page();
  step = tst_new_step();
  memory = tst_shared(PAGES * page);
  tst_fill(memory, 16 * page, 1);
  tst_fill(memory + 16 * page, 16 * page, 2);
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_sys(munmap(memory, PAGES * page)); /* nobody maps the lower half; the child maps the upper one */
  tst_ready();
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child has failed");
  tst_end(pid);
  return tst_pass();
}
