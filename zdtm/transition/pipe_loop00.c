// zdtm: {"category": "pipes", "verifies": "bytes that go round a ring of tasks through pipes are neither lost nor changed"}
#include "tst.h"

/* How one link of the ring is made, and which end of it is read. */
#ifndef LINK
#define LINK(ends) pipe(ends)
#define READ 0
#endif
#define WRITE (1 - READ)

enum { TASKS = 6, BLOCK = 3000 };
static int ends[TASKS][2];

static bool fill(int fd, uint8_t *bytes) {
  for (int have = 0; have < BLOCK;) {
    ssize_t got = read(fd, bytes + have, (size_t)(BLOCK - have));
    if (got <= 0) return false;
    have += (int)got;
  }
  return true;
}

static int pass_on(void *number) {
  int n = (int)(intptr_t)number;
  uint8_t bytes[BLOCK];
  for (int i = 0; i < TASKS; i++) {
    if (i != n - 1) close(ends[i][READ]);
    if (i != n) close(ends[i][WRITE]);
  }
  while (fill(ends[n - 1][READ], bytes)) tst_sys(write(ends[n][WRITE], bytes, BLOCK));
  return 0;
}

int main(void) {
  tst_begin();
  for (int i = 0; i < TASKS; i++) tst_sys(LINK(ends[i]));
  for (int i = 1; i < TASKS; i++) tst_child(pass_on, (void *)(intptr_t)i);
  for (int i = 0; i < TASKS; i++) {
    if (i != TASKS - 1) close(ends[i][READ]);
    if (i != 0) close(ends[i][WRITE]);
  }
  tst_mark_ready();
  uint8_t bytes[BLOCK];
  uint32_t seed = 1;
  bool last;
  do {
    last = !tst_going();
    tst_fill(bytes, BLOCK, seed);
    tst_sys(write(ends[0][WRITE], bytes, BLOCK));
    memset(bytes, 0, BLOCK);
    tst_check(fill(ends[TASKS - 1][READ], bytes), "the ring is broken");
    if (last) TST_SPOIL bytes[100] ^= 1;
    tst_check(tst_differs(bytes, BLOCK, seed) < 0, "in round %u byte %ld is wrong", seed, tst_differs(bytes, BLOCK, seed));
    seed++;
  } while (!last);
  close(ends[0][WRITE]);
  for (int i = 1; i < TASKS; i++) tst_check(wait(NULL) > 0, "a task of the ring is lost");
  return tst_pass();
}
