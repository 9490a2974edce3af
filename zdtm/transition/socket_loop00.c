// zdtm: {"category": "sockets-unix", "verifies": "bytes that go round a ring of tasks through socket pairs are neither lost nor changed"}
#include "tst.h"

#include <sys/socket.h>

enum { TASKS = 5, BLOCK = 2000 };
static int pairs[TASKS][2];

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
    if (i != n - 1) close(pairs[i][1]);
    if (i != n) close(pairs[i][0]);
  }
  while (fill(pairs[n - 1][1], bytes)) tst_sys(write(pairs[n][0], bytes, BLOCK));
  return 0;
}

int main(void) {
  tst_begin();
  for (int i = 0; i < TASKS; i++) tst_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
  for (int i = 1; i < TASKS; i++) tst_child(pass_on, (void *)(intptr_t)i);
  for (int i = 0; i < TASKS; i++) {
    if (i != TASKS - 1) close(pairs[i][1]);
    if (i != 0) close(pairs[i][0]);
  }
  tst_mark_ready();
  uint8_t bytes[BLOCK];
  uint32_t seed = 1;
  bool last;
  do {
    last = !tst_going();
    tst_fill(bytes, BLOCK, seed);
    tst_sys(write(pairs[0][0], bytes, BLOCK));
    memset(bytes, 0, BLOCK);
    tst_check(fill(pairs[TASKS - 1][1], bytes), "the ring is broken");
    if (last) TST_SPOIL bytes[3] ^= 1;
    tst_check(tst_differs(bytes, BLOCK, seed) < 0, "in round %u byte %ld is wrong", seed, tst_differs(bytes, BLOCK, seed));
    seed++;
  } while (!last);
  close(pairs[0][0]);
  for (int i = 1; i < TASKS; i++) tst_check(wait(NULL) > 0, "a task of the ring is lost");
  return tst_pass();
}
