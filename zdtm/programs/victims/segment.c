/* Has a System V segment attached: `segment make KEY BYTES` or `segment use ID`. A signal makes it say and change a word of it. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  int id = strcmp(argv[1], "make") == 0
               ? shmget((key_t)strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0), IPC_CREAT | IPC_EXCL | 0620)
               : atoi(argv[2]);
  volatile unsigned *word = shmat(id, NULL, 0);
  if (id < 0 || word == (void *)-1) return perror("segment"), 1;
  printf("id %d\n", id);
  for (;;) {
    fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGUSR2) word[5000]++;
    else printf("word %u\n", ++word[0]);
  }
}
