// zdtm: {"category": "time", "verifies": "the clocks of a thread and of a process can be read by their old names, and times() does not go back in wall ticks"}
#include "tst.h"

#include <sys/times.h>

int main(void) {
  tst_begin();
  clockid_t process, thread;
  tst_sys(clock_getcpuclockid(getpid(), &process));
  tst_pthread(pthread_getcpuclockid(pthread_self(), &thread));
  struct tms used;
  clock_t ticks = times(&used);
  tst_ready();
  TST_SPOIL thread = (clockid_t)(~(0x3ffffffu) << 3 | 6);
  struct timespec now;
  tst_check(clock_gettime(process, &now) == 0, "the clock of the process is lost: %s", strerror(errno));
  tst_check(clock_gettime(thread, &now) == 0, "the clock of the thread is lost: %s", strerror(errno));
  tst_check(times(&used) - ticks >= 0, "times() went back");
  return tst_pass();
}
