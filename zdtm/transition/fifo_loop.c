// zdtm: {"category": "fifo", "verifies": "bytes that go round a ring of tasks through named pipes, opened for both by all, are neither lost nor changed"}
#include "tst.h"

enum { TASKS = 5, BLOCK = 1500 };
static int fds[TASKS];

static void fill(int fd, uint8_t *bytes) {
  for (int have = 0; have < BLOCK;) have += (int)tst_sys(read(fd, bytes + have, (size_t)(BLOCK - have)));
}

static int pass_on(void *number) {
  int n = (int)(intptr_t)number;
  uint8_t bytes[BLOCK];
  for (;;) {
    fill(fds[n - 1], bytes);
    tst_sys(write(fds[n], bytes, BLOCK));
  }
}

int main(void) {
  tst_begin();
  for (int i = 0; i < TASKS; i++) {
    char name[16];
    snprintf(name, sizeof(name), "pipe%d", i);
    tst_sys(mkfifo(name, 0600));
    fds[i] = tst_sys(open(name, O_RDWR));
  }
  for (int i = 1; i < TASKS; i++) tst_child(pass_on, (void *)(intptr_t)i);
  tst_mark_ready();
  uint8_t bytes[BLOCK];
  uint32_t seed = 1;
  bool last;
  do {
    last = !tst_going();
    tst_fill(bytes, BLOCK, seed);
    tst_sys(write(fds[0], bytes, BLOCK));
    memset(bytes, 0, BLOCK);
    fill(fds[TASKS - 1], bytes);
    if (last) TST_SPOIL bytes[7] ^= 1;
    tst_check(tst_differs(bytes, BLOCK, seed) < 0, "in round %u byte %ld is wrong", seed, tst_differs(bytes, BLOCK, seed));
    seed++;
  } while (!last);
  return tst_pass();
}
