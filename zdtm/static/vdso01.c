// zdtm: {"category": "vdso", "verifies": "functions found in the vDSO's own symbol table before the dump give the right times after it"}
#include "tst.h"
#include "vdso.h"

int main(void) {
  tst_begin();
  int (*clock_read)(clockid_t, struct timespec *) = vdso_find(VDSO("clock_gettime"));
  int (*clock_step)(clockid_t, struct timespec *) = vdso_find(VDSO("clock_getres"));
  if (!clock_read || !clock_step) tst_skip("the vDSO has no clocks");
  tst_ready();
  struct timespec first, second, third;
  for (int clock = CLOCK_REALTIME; clock <= CLOCK_MONOTONIC; clock++) {
    tst_sys(syscall(SYS_clock_gettime, clock, &first));
    tst_check(clock_read(clock, &second) == 0, "the vDSO's clock gives an error");
    TST_SPOIL second.tv_sec--;
    tst_sys(syscall(SYS_clock_gettime, clock, &third));
    int64_t a = first.tv_sec * 1000000000LL + first.tv_nsec, b = second.tv_sec * 1000000000LL + second.tv_nsec,
            c = third.tv_sec * 1000000000LL + third.tv_nsec;
    tst_check(a <= b && b <= c, "clock %d: %lld, then %lld, then %lld", clock, (long long)a, (long long)b, (long long)c);
    tst_check(clock_step(clock, &first) == 0 && first.tv_sec == 0, "the vDSO's clock_getres is wrong");
  }
  return tst_pass();
}
