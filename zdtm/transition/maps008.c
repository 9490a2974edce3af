// zdtm: {"category": "memory", "verifies": "a tree of tasks that keep changing shared memory sees every change once"}
#include "tst.h"

#define TASKS 4
#define PAGES 16

static struct {
  tst_step turn;
  uint32_t pages[PAGES][1024];
} *shared;

/* A token goes round; who has it checks the whole memory and moves it on by one. */
static int serve(int n) {
  for (int turn = 1; n != 0 || tst_going(); turn++) {
    tst_await(&shared->turn, (turn - 1) * TASKS + n);
    uint32_t expected = (uint32_t)((turn - 1) * TASKS + n);
    for (int i = 0; i < PAGES; i++)
      for (int w = 0; w < 1024; w += 37) {
        tst_check(shared->pages[i][w] == expected, "task %d, turn %d: page %d holds %u, not %u", n, turn, i,
                  shared->pages[i][w], expected);
        shared->pages[i][w]++;
      }
    if (tst_spoiling() && n == 2) shared->pages[3][37] = 0;
    tst_set(&shared->turn, (int)expected + 1);
  }
  return 0;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  for (int n = 1; n < TASKS; n++)
    if (tst_sys(fork()) == 0) _exit(serve(n));
  tst_mark_ready();
  serve(0);
  return tst_pass();
}
