/*
 * Uses a System V semaphore set and a message queue: with `undo` in a way that the kernel takes back, with `threads` so in a process
 * with threads. With `idle` it uses none, but has been a program with threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

static void *other(void *unused) {
  for (;;) pause();
  return unused;
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "plain";
  pthread_t thread;
  if ((!strcmp(how, "threads") || !strcmp(how, "idle")) && pthread_create(&thread, NULL, other, NULL)) return 1;
  if (!strcmp(how, "idle")) return execlp("sleep", "sleep", "100000", NULL), 1;
  int semaphores = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600), queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  struct sembuf one = {.sem_num = 2, .sem_op = 1, .sem_flg = strcmp(how, "plain") ? SEM_UNDO : 0};
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
