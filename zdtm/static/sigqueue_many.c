// zdtm: {"category": "signals", "verifies": "six hundred queued real-time signals all come back in order with their values"}
#include "tst.h"

enum { MANY = 600 };

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  sigaddset(&set, SIGRTMIN + 9);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < MANY; i++) {
    union sigval value = {.sival_ptr = (void *)(0x123400000000UL + (unsigned)i)};
    tst_sys(sigqueue(getpid(), SIGRTMIN + (i % 2 ? 2 : 9), value));
  }
  tst_ready();
  TST_SPOIL sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 1});
  struct timespec at_once = {0};
  for (int i = 0; i < MANY; i++) {
    siginfo_t info;
    int half = MANY / 2, number = i < half ? SIGRTMIN + 2 : SIGRTMIN + 9, nth = i < half ? 2 * i + 1 : 2 * (i - half);
    tst_check(sigtimedwait(&set, &info, &at_once) == number, "signal %d of %d is not %d", i, MANY, number);
    tst_check((uintptr_t)info.si_ptr == 0x123400000000UL + (unsigned)nth, "signal %d holds %p, not number %d", i,
              info.si_ptr, nth);
  }
  tst_check(sigtimedwait(&set, NULL, &at_once) == -1, "there is one signal more");
  return tst_pass();
}
