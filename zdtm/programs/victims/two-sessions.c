/*
 * A tree with two children that it had before it began a session of its own, one of them a zombie: says "ROOT ZOMBIE SLEEPER".
 * The first process, which leads the session before, is not of the tree.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  if (fork() == 0) {
    pid_t zombie = fork();
    if (zombie == 0) _exit(3);
    pid_t sleeper = fork();
    if (sleeper != 0) setsid();
    siginfo_t info;
    if (sleeper != 0 && waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT)) return perror("waitid"), 1;
    if (sleeper != 0) printf("%d %d %d\n", getpid(), zombie, sleeper), fflush(stdout);
    for (;;) pause();
  }
  for (;;) pause();
}
