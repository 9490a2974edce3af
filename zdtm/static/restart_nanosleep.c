// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "nanosleep lasts its full time and returns 0"}
#include "blocked.h"

static long sleeps(void) {
  struct timespec time = {2, 0};
  return nanosleep(&time, NULL);
}

static long sleeps_with_rest(void) {
  struct timespec time = {2, 500000000}, rest;
  return nanosleep(&time, &rest);
}

static const blocked table[] = {
    {"nanosleep", sleeps, NULL, 0, 2.0},
    {"nanosleep that gives the rest", sleeps_with_rest, NULL, 0, 2.5},
};

BLOCKED_MAIN(table)
