// zdtm: {"category": "vdso", "verifies": "time calls by way of the vDSO work"}
#include "tst.h"

#include <sys/time.h>

int main(void) {
  tst_begin();
  struct timeval before, after;
  struct timespec mono, later;
  time_t then = time(NULL);
  gettimeofday(&before, NULL);
  clock_gettime(CLOCK_MONOTONIC, &mono);
  tst_ready();
  TST_SPOIL mono.tv_sec += 5000;
  gettimeofday(&after, NULL);
  clock_gettime(CLOCK_MONOTONIC, &later);
  tst_check(timercmp(&after, &before, >=), "the time of day went back");
  tst_check(time(NULL) >= then, "the time went back");
  tst_check(later.tv_sec > mono.tv_sec || (later.tv_sec == mono.tv_sec && later.tv_nsec >= mono.tv_nsec),
            "the monotonic clock went back");
  return tst_pass();
}
