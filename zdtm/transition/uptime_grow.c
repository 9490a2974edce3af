// zdtm: {"category": "time", "verifies": "the monotonic clock only grows, however often it is read while the task is dumped"}
#include "tst.h"

int main(void) {
  tst_begin();
  tst_mark_ready();
  struct timespec last = {0}, now;
  bool spoiled = !tst_spoiling();
  while (tst_going()) {
    for (int i = 0; i < 1000; i++) {
      tst_sys(clock_gettime(CLOCK_MONOTONIC, &now));
      tst_check(now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec),
                "the clock went back from %ld.%09ld to %ld.%09ld", last.tv_sec, last.tv_nsec, now.tv_sec, now.tv_nsec);
      last = now;
    }
  }
  if (!spoiled) last.tv_sec += 1000;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &now));
  tst_check(now.tv_sec >= last.tv_sec, "the clock stands at %ld, not %ld", now.tv_sec, last.tv_sec);
  return tst_pass();
}
