/*
 * Processes in states that a dump has to refuse, or to stand:
 *   odd READY RESULT traced   a child that is traced by its parent; RESULT gets the child's pid
 *   odd READY RESULT vfork    a parent that waits in vfork
 *   odd READY RESULT zombie   a child that has ended; RESULT gets its pid
 *   odd READY RESULT pause    waits for ever, in the same call
 *   odd READY RESULT forks    forks and makes threads as fast as it can
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

volatile uint64_t counters[1];

static void say(const char *path, long value) {
  char name[4096];
  snprintf(name, sizeof(name), "%s.new", path);
  FILE *file = fopen(name, "w");
  fprintf(file, "%ld\n", value);
  fclose(file);
  rename(name, path);
}

static void *nothing(void *arg) {
  usleep(200);
  return arg;
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  FILE *ready = fopen(argv[1], "w");
  fprintf(ready, "%lx 1\n", (unsigned long)counters);
  fclose(ready);
  const char *mode = argv[3];
  if (!strcmp(mode, "traced")) {
    pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    if (ptrace(PTRACE_SEIZE, child, 0, 0)) return 1;
    say(argv[2], child);
    for (;;) pause();
  }
  if (!strcmp(mode, "vfork")) {
    say(argv[2], getpid());
    if (vfork() == 0) {
      char *words[] = {"sleep", "100000", NULL};
      (void)words;
      for (;;) pause();
    }
  }
  if (!strcmp(mode, "zombie")) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    say(argv[2], child);
    for (;;) pause();
  }
  say(argv[2], getpid());
  while (!strcmp(mode, "pause")) pause();
  for (;;) {
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
    pid_t child = fork();
    if (child == 0) {
      usleep(500);
      _exit(0);
    }
    pthread_join(thread, NULL);
    waitpid(child, NULL, 0);
    counters[0]++;
  }
}
