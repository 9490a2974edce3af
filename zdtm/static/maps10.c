// zdtm: {"category": "memory", "needs": ["hugepages"], "except": {"status HugetlbPages": "counts the pages that were touched, not those that exist"}, "verifies": "huge pages that a child shares or inherits are still shared, or still its own"}
#include "tst.h"

#define HUGE (2UL << 20)

static uint8_t *shared, *own;
static tst_step *step;

static int child(void *unused) {
  (void)unused;
  own[7] = 0xc1;
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(shared[9] == 0x99, "the parent's write to the shared huge page is not seen");
  tst_check(own[7] == 0xc1, "the private huge page holds 0x%x", own[7]);
  tst_check(tst_differs(own + 4096, HUGE - 4096, 2) < 0, "the inherited part is wrong");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  shared = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  own = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (shared == MAP_FAILED || own == MAP_FAILED) tst_skip("no huge pages: %s", strerror(errno));
  tst_fill(own, 4096, 2);
  tst_fill(own + 4096, HUGE - 4096, 2);
  uint8_t mine = own[7];
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  shared[9] = 0x99;
  TST_SPOIL shared[9] = 0;
  tst_set(step, 2);
  tst_until(step->value == 3 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 3, "the child has failed");
  tst_check(own[7] == mine, "the child's change shows in the parent");
  tst_end(pid);
  return tst_pass();
}
