// zdtm: {"category": "arch-regs", "verifies": "where a sleep tells the time that is left nothing shows of the stop, and a signal finds the right time told"}
#include "tst.h"

enum { LONG = 1000000, CLOCKS = 2 };

typedef struct {
  struct timespec rest[CLOCKS];
} page;

static tst_step *step;

static void nothing(int number) { (void)number; }

static int sleeps(void *argument) {
  int clock = *(int *)argument;
  page *own = tst_private(sizeof(page));
  const struct timespec length = {LONG, 0};
  tst_sys(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing}, NULL));
  memset(own, 0x5a, sizeof(*own));
  tst_raise(step);
  int error = clock ? clock_nanosleep(CLOCK_BOOTTIME, 0, &length, &own->rest[1]) : -nanosleep(&length, &own->rest[0]);
  tst_check(clock ? error == EINTR : error == 1 && errno == EINTR, "it ends with %d", error);
  tst_check(own->rest[clock].tv_sec > LONG / 2 && own->rest[clock].tv_sec < LONG, "%ld seconds are left", own->rest[clock].tv_sec);
  memset(&own->rest[clock], 0x5a, sizeof(own->rest[clock]));
  for (size_t i = 0; i < sizeof(*own); i++) tst_check(((unsigned char *)own)[i] == 0x5a, "byte %zu has another value", i);
  return 0;
}

int main(void) {
  static int clocks[CLOCKS] = {0, 1};
  pid_t pids[CLOCKS];
  tst_begin();
  step = tst_new_step();
  for (int i = 0; i < CLOCKS; i++) pids[i] = tst_child(sleeps, &clocks[i]);
  tst_await(step, CLOCKS);
  tst_ready();
  for (int i = 0; i < CLOCKS; i++) {
    tst_sys(kill(pids[i], SIGUSR1));
    tst_check(tst_reap(pids[i]) == 0, "child %d fails", i);
  }
  return tst_pass();
}
