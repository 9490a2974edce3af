// zdtm: {"category": "timers", "verifies": "POSIX timers keep their ids where earlier ones were deleted, and a new timer does not take a used one"}
#include "tst.h"

typedef int kernel_timer;

static kernel_timer create(void) {
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  kernel_timer id = -1;
  tst_sys(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  return id;
}

int main(void) {
  tst_begin();
  kernel_timer kept[10];
  int count = 0;
  for (int i = 0; i < 300; i++) {
    kernel_timer id = create();
    if (i % 33 != 5) tst_sys(syscall(SYS_timer_delete, id));
    else {
      struct itimerspec value = {.it_value.tv_sec = 4000 + 100 * count};
      kept[count++] = id;
      tst_sys(syscall(SYS_timer_settime, id, 0, &value, NULL));
    }
  }
  tst_ready();
  TST_SPOIL syscall(SYS_timer_delete, kept[4]);
  for (int i = 0; i < count; i++) {
    struct itimerspec is;
    tst_check(syscall(SYS_timer_gettime, kept[i], &is) == 0, "timer %d is lost", kept[i]);
    tst_check(is.it_value.tv_sec <= 4000 + 100 * i && is.it_value.tv_sec > 3901 + 100 * (i - 1), "timer %d has %ld s left",
              kept[i], is.it_value.tv_sec);
  }
  kernel_timer next = create();
  for (int i = 0; i < count; i++) tst_check(next != kept[i], "a new timer takes the id %d", next);
  return tst_pass();
}
