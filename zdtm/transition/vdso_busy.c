// zdtm: {"category": "vdso", "verifies": "threads that read clocks all the time, by a vDSO of another kernel after the restore, never read a wrong one", "cc": ["-O2"], "foreignVdso": "all"}
#include "tst.h"

#include "vdso.h"

enum { KINDS = 5 };

static unsigned long rounds[KINDS];

static int64_t seen(int kind) {
  struct timespec at = {0, 0};
  struct timeval of_day = {0, 0};
  switch (kind) {
  case 0:
    tst_check(vdso.read(CLOCK_MONOTONIC, &at) == 0, "the clock gives an error");
    return vdso_nanoseconds(at);
  case 1:
    tst_check(vdso.read(CLOCK_REALTIME_COARSE, &at) == 0, "the coarse clock gives an error");
    return vdso_nanoseconds(at);
  case 2:
    tst_check(vdso.of_day(&of_day, NULL) == 0, "the time of day gives an error");
    return of_day.tv_sec * 1000000LL + of_day.tv_usec;
  case 3:
    return vdso.time ? vdso.time(NULL) : 1;
  default:
    /* Not all of the time in the vDSO. */
    for (volatile int i = 0; i < 1000; i++);
    return time(NULL);
  }
}

/* The same without the vDSO: on another machine a clock may be behind. */
static int64_t told(int kind) {
  static const clockid_t clocks[KINDS] = {CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE, CLOCK_REALTIME, CLOCK_REALTIME, CLOCK_REALTIME};
  static const int units[KINDS] = {1, 1, 1000, 1000000000, 1000000000};
  struct timespec at;
  tst_sys(syscall(SYS_clock_gettime, clocks[kind], &at));
  return vdso_nanoseconds(at) / units[kind];
}

static void *reader(void *arg) {
  int kind = (intptr_t)arg;
  int64_t first = seen(kind), last = first;
  while (tst_going()) {
    int64_t now = seen(kind);
    TST_SPOIL if (rounds[kind] == 1000) now = 0;
    tst_check(now >= last || (now > 0 && told(kind) < last), "clock %d: %lld after %lld, and %lld at first", kind, (long long)now, (long long)last,
              (long long)first);
    last = now;
    __atomic_add_fetch(&rounds[kind], 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

int main(void) {
  tst_begin();
  vdso_open();
  pthread_t threads[KINDS];
  for (int i = 1; i < KINDS; i++) tst_pthread(pthread_create(&threads[i], NULL, reader, (void *)(intptr_t)i));
  tst_mark_ready();
  reader(NULL);
  for (int i = 1; i < KINDS; i++) pthread_join(threads[i], NULL);
  vdso_check();
  return tst_pass();
}
