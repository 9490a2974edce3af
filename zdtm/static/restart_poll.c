// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "poll, ppoll, select and pselect go on: they end by their event or their time"}
#include "blocked.h"

#include <poll.h>
#include <sys/select.h>

static int ends[2][2];

static void __attribute__((constructor)) make(void) {
  for (int i = 0; i < 2; i++) tst_sys(pipe(ends[i]));
}

static long polls(void) {
  struct pollfd it = {.fd = ends[0][0], .events = POLLIN};
  return poll(&it, 1, -1);
}
static void write_first(void) { tst_sys(write(ends[0][1], "x", 1)); }

static long polls_for_a_time(void) { return poll(NULL, 0, 2000); }

static long ppolls_for_a_time(void) {
  struct timespec time = {2, 0};
  return ppoll(NULL, 0, &time, NULL);
}

static long selects(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[1][0], &set);
  return select(ends[1][0] + 1, &set, NULL, NULL, NULL);
}
static void write_second(void) { tst_sys(write(ends[1][1], "x", 1)); }

static long pselects_for_a_time(void) {
  struct timespec time = {2, 0};
  return pselect(0, NULL, NULL, NULL, &time, NULL);
}

static const blocked table[] = {
    {"poll", polls, write_first, 1, 0},
    {"poll for two seconds", polls_for_a_time, NULL, 0, 2.0},
    {"ppoll for two seconds", ppolls_for_a_time, NULL, 0, 2.0},
    {"select", selects, write_second, 1, 0},
    {"pselect for two seconds", pselects_for_a_time, NULL, 0, 2.0},
};

BLOCKED_MAIN(table)
