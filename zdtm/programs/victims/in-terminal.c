/*
 * in-terminal PATH PROGRAM [WORD...]: runs a program as leader of a session whose controlling terminal is PATH.
 * With -s in front it stays as a subreaper above the program, until it has no children any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int stays = argc > 1 && !strcmp(argv[1], "-s");
  argv += stays;
  argc -= stays;
  if (argc < 3) return 2;
  if (getsid(0) != getpid() && setsid() < 0) return 126;
  int terminal = open(argv[1], O_RDWR);
  if (terminal < 0) return 126;
  for (int fd = 0; fd < 3; fd++) dup2(terminal, fd);
  if (terminal > 2) close(terminal);
  if (stays) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1)) return 126;
    if (fork() != 0) {
      while (wait(NULL) > 0) continue;
      return 0;
    }
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
