/* Calls a function once for each SIGUSR1, and says how often it has returned. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline, used)) int probed(int count) {
  __asm__ volatile("");
  return count + 1;
}

extern char __executable_start;

int main(void) {
  printf("offset %ld\n", (long)((char *)probed - &__executable_start));
  int count = 0, number;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (;;) {
    printf("returned %d\n", count);
    fflush(stdout);
    sigwait(&set, &number);
    count = probed(count);
  }
}
