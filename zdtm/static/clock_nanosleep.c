// zdtm: {"category": "timers", "except": {"memory": "the short sleep may end before the second look"}, "verifies": "threads that sleep until a point in time or for a while return nothing but success, and not before their time"}
#include "tst.h"

static tst_step *step;
static struct timespec end_at;

static void on_signal(int number) { (void)number; }

static struct timespec now(void) {
  struct timespec at;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &at));
  return at;
}

static bool before(struct timespec a, struct timespec b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static void *until_then(void *unused) {
  tst_set(step, 1);
  int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end_at, NULL);
  tst_check(error == 0, "the sleep until a point in time gives %s", strerror(error));
  tst_check(!before(now(), end_at), "the sleep until a point in time ended too early");
  tst_set(step, 3);
  tst_await(step, 4);
  return unused;
}

static void *for_good(void *unused) {
  struct timespec long_time = {100000, 0}, rest = {0};
  tst_set(step, 2);
  int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, &rest);
  tst_check(false, "a sleep of a day ended with %s", strerror(error));
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  end_at = now();
  end_at.tv_nsec += 600000000;
  if (end_at.tv_nsec > 999999999) {
    end_at.tv_sec++;
    end_at.tv_nsec -= 1000000000;
  }
  struct sigaction action = {.sa_handler = on_signal};
  tst_sys(sigaction(SIGUSR1, &action, NULL));
  pthread_t first, second;
  tst_pthread(pthread_create(&first, NULL, until_then, NULL));
  tst_await(step, 1);
  tst_pthread(pthread_create(&second, NULL, for_good, NULL));
  tst_await(step, 2);
  tst_ready();
  TST_SPOIL tst_pthread(pthread_kill(first, SIGUSR1));
  tst_await(step, 3);
  tst_set(step, 4);
  tst_pthread(pthread_join(first, NULL));
  return tst_pass();
}
