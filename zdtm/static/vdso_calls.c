// zdtm: {"category": "memory", "verifies": "the vDSO is at its address and every clock it serves agrees with the system call"}
#include "tst.h"

#include <sys/auxv.h>
#include <sys/time.h>

static int64_t now(bool by_kernel, clockid_t clock) {
  struct timespec at;
  if (by_kernel) tst_sys(syscall(SYS_clock_gettime, clock, &at));
  else tst_sys(clock_gettime(clock, &at));
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(void) {
  tst_begin();
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                                     CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_TAI};
  unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
  int64_t before[7];
  for (int i = 0; i < 7; i++) before[i] = now(false, clocks[i]);
  tst_ready();
  TST_SPOIL before[1] += 1000000000LL * 1000000;
  tst_check(vdso && !memcmp((void *)vdso, "\177ELF", 4), "there is no vDSO at %lx", vdso);
  for (int i = 0; i < 7; i++) {
    /* Readings in this order can only rise, whoever makes them. */
    int64_t first = now(true, clocks[i]), second = now(false, clocks[i]), third = now(true, clocks[i]);
    tst_check(first <= second && second <= third, "clock %d: %lld, %lld, %lld", clocks[i], (long long)first,
              (long long)second, (long long)third);
    tst_check(first >= before[i], "clock %d has gone back", clocks[i]);
  }
  struct timeval of_day;
  unsigned cpu = 9999;
  tst_sys(gettimeofday(&of_day, NULL));
  tst_check(llabs((long long)of_day.tv_sec - (long long)time(NULL)) < 3, "gettimeofday and time disagree");
  tst_sys(getcpu(&cpu, NULL));
  tst_check(cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF), "getcpu gives %u", cpu);
  return tst_pass();
}
