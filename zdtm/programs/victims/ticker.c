/* Counts, for a debugger that stops it at every step. */
#include <stdio.h>
#include <unistd.h>

int count;

__attribute__((noinline)) void tick(void) {
  count++;
  __asm__ volatile("" ::: "memory");
}

int main(void) {
  printf("pid %d\n", getpid());
  fflush(stdout);
  for (;;) {
    tick();
    usleep(1000);
  }
}
