// zdtm: {"category": "time", "verifies": "no clock goes back, and none runs away from the others over a restore"}
#include "tst.h"

static int64_t at(clockid_t clock) {
  struct timespec now;
  tst_sys(clock_gettime(clock, &now));
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void) {
  tst_begin();
  int64_t real = at(CLOCK_REALTIME), mono = at(CLOCK_MONOTONIC), boot = at(CLOCK_BOOTTIME), raw = at(CLOCK_MONOTONIC_RAW);
  tst_ready();
  TST_SPOIL mono += 100000000000LL;
  int64_t real_went = at(CLOCK_REALTIME) - real, mono_went = at(CLOCK_MONOTONIC) - mono,
          boot_went = at(CLOCK_BOOTTIME) - boot, raw_went = at(CLOCK_MONOTONIC_RAW) - raw;
  tst_check(mono_went >= 0 && boot_went >= 0 && raw_went >= 0, "a clock went back: %lld %lld %lld ns",
            (long long)mono_went, (long long)boot_went, (long long)raw_went);
  /* The monotonic clock need not have stood still; it must not have run ahead of the wall. */
  tst_check(mono_went <= real_went + 10000000000LL && boot_went <= real_went + 10000000000LL,
            "monotonic went %lld, boot %lld, real %lld ns", (long long)mono_went, (long long)boot_went,
            (long long)real_went);
  return tst_pass();
}
