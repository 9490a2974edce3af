// zdtm: {"category": "process-tree", "verifies": "a task that runs program after program with posix_spawn, which shares its memory for a moment, is saved between two of them"}
#include "tst.h"

#include <spawn.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc > 1) return atoi(argv[1]);
  tst_begin();
  tst_mark_ready();
  for (int turn = 0; tst_going(); turn++) {
    char code[8];
    char *words[] = {argv[0], code, NULL};
    pid_t pid;
    snprintf(code, sizeof(code), "%d", turn % 100 + tst_spoiling());
    int error = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ);
    tst_check(error == 0, "posix_spawn: %s", strerror(error));
    int status = tst_reap(pid);
    tst_check(WIFEXITED(status) && WEXITSTATUS(status) == turn % 100, "program %d ends with 0x%x", turn, status);
  }
  return tst_pass();
}
