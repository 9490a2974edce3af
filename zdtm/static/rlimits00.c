// zdtm: {"category": "misc", "verifies": "every resource limit, soft and hard, comes back, in each process its own"}
#include "tst.h"

#include <sys/resource.h>

static tst_step *step;

static void lower(int by) {
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    struct rlimit limit;
    tst_sys(getrlimit(i, &limit));
    rlim_t most = limit.rlim_max == RLIM_INFINITY ? 1UL << 40 : limit.rlim_max;
    if (i == RLIMIT_AS || i == RLIMIT_DATA || i == RLIMIT_CPU || i == RLIMIT_RTTIME) most = 1UL << 45;
    limit.rlim_max = most - (most > 100 ? (rlim_t)(by + i) : 0);
    limit.rlim_cur = limit.rlim_max - (limit.rlim_max > 100 ? 10 : 0);
    tst_sys(setrlimit(i, &limit));
  }
}

static void verify(const struct rlimit *was, const char *who) {
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    struct rlimit is;
    tst_sys(getrlimit(i, &is));
    tst_check(is.rlim_cur == was[i].rlim_cur && is.rlim_max == was[i].rlim_max, "%s: limit %d is %lu of %lu", who, i,
              (unsigned long)is.rlim_cur, (unsigned long)is.rlim_max);
  }
}

static int child(void *unused) {
  (void)unused;
  struct rlimit was[RLIM_NLIMITS];
  lower(30);
  for (int i = 0; i < RLIM_NLIMITS; i++) tst_sys(getrlimit(i, &was[i]));
  tst_set(step, 1);
  tst_await(step, 2);
  verify(was, "child");
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  struct rlimit was[RLIM_NLIMITS];
  tst_child(child, NULL);
  tst_await(step, 1);
  lower(5);
  for (int i = 0; i < RLIM_NLIMITS; i++) tst_sys(getrlimit(i, &was[i]));
  tst_ready();
  TST_SPOIL tst_sys(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
  verify(was, "parent");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
