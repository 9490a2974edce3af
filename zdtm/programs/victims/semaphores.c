/* Uses a System V semaphore set, with `undo` in a way that the kernel takes back, and a message queue. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int semaphores = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600), queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  struct sembuf one = {.sem_num = 2, .sem_op = 1, .sem_flg = argc > 1 && strcmp(argv[1], "undo") == 0 ? SEM_UNDO : 0};
  struct {
    long type;
    char text[4];
  } message = {1, "abc"};
  FILE *objects = fopen(".objects", "a");
  if (semop(semaphores, &one, 1) < 0 || msgsnd(queue, &message, 4, 0) < 0 || !objects) return perror("semaphores"), 1;
  fprintf(objects, "sem %d\nmsg %d\n", semaphores, queue);
  fclose(objects);
  printf("set %d queue %d\n", semaphores, queue);
  fflush(stdout);
  for (;;) pause();
}
