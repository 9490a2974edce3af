// zdtm: {"category": "epoll-fsnotify", "verifies": "a reader that waits by epoll gets all that its children write at odd times"}
#include "tst.h"

#include <sys/epoll.h>

enum { CHILDREN = 6 };
static tst_step *step;

static int writer(void *arguments) {
  int *fds = arguments;
  uint32_t sum = 0, seed = (uint32_t)getpid();
  do {
    uint32_t words[200];
    seed = seed * 1103515245u + 12345u;
    int count = 1 + (int)(seed >> 16) % 199;
    for (int i = 0; i < count; i++) sum += words[i] = seed * (uint32_t)(i + 1);
    for (int i = 0; i < count; i++)
      if (write(fds[1], &words[i], 4) != 4) return 1;
    if (seed >> 20 & 1) tst_nap();
  } while (step->value < 1);
  uint32_t last[2] = {0, sum};
  return write(fds[1], last, 8) == 8 ? 7 : 1;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  int fds[CHILDREN][2], poll = tst_sys(epoll_create1(0)), open_ones = CHILDREN;
  uint32_t sums[CHILDREN] = {0}, words[CHILDREN][2];
  for (int i = 0; i < CHILDREN; i++) {
    tst_sys(pipe(fds[i]));
    tst_child(writer, fds[i]);
    close(fds[i][1]);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    tst_sys(epoll_ctl(poll, EPOLL_CTL_ADD, fds[i][0], &event));
    memset(words[i], 0, 8);
  }
  tst_mark_ready();
  while (open_ones) {
    struct epoll_event event;
    if (!tst_going()) step->value = 1;
    if (epoll_wait(poll, &event, 1, -1) != 1) tst_die("epoll_wait");
    uint32_t n = event.data.u32, word;
    ssize_t got = read(fds[n][0], &word, 4);
    if (got == 4) {
      sums[n] += words[n][0];
      words[n][0] = words[n][1];
      words[n][1] = word;
      continue;
    }
    tst_check(got == 0, "a read of %zd bytes", got);
    /* The last two words are a mark and the sum of all before. */
    TST_SPOIL sums[0]++;
    tst_check(words[n][0] == 0 && words[n][1] == sums[n], "child %u: the sum is %u, not %u", n, sums[n], words[n][1]);
    tst_sys(epoll_ctl(poll, EPOLL_CTL_DEL, fds[n][0], NULL));
    open_ones--;
  }
  return tst_pass();
}
