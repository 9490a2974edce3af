/*
 * A group whose leader is gone: says "LEADER MEMBER". At SIGUSR1 it ends the member, but for a while does not wait for it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child(pid_t group) {
  pid_t pid = fork();
  if (pid == 0)
    for (;;) pause();
  setpgid(pid, group);
  return pid;
}

int main(void) {
  sigset_t set;
  int signal;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pid_t leader = child(0), member = child(leader);
  kill(leader, SIGKILL);
  waitpid(leader, NULL, 0);
  printf("%d %d\n", leader, member);
  fflush(stdout);
  sigwait(&set, &signal);
  kill(member, SIGKILL);
  siginfo_t info;
  waitid(P_PID, (id_t)member, &info, WEXITED | WNOWAIT);
  printf("ended\n");
  fflush(stdout);
  usleep(500000);
  waitpid(member, NULL, 0);
  return 0;
}
