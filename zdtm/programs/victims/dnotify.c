/* Has two directories open, and watches the second in the old way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  signal(SIGIO, SIG_IGN);
  int other = open("/", O_RDONLY | O_DIRECTORY), fd = open(".", O_RDONLY | O_DIRECTORY);
  if (other < 0 || fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) < 0) return perror("dnotify"), 1;
  printf("others %d watched %d\n", other, fd);
  fflush(stdout);
  for (;;) pause();
}
