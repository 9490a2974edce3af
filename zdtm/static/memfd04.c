// zdtm: {"category": "memory", "verifies": "a script in a memfd that is kept over exec can still be run from it"}
#include "tst.h"

int main(void) {
  tst_begin();
  int fd = tst_sys(memfd_create("script", 0));
  static const char script[] = "#!/bin/sh\nexit 37\n";
  tst_sys(write(fd, script, sizeof(script) - 1));
  tst_sys(fchmod(fd, 0700));
  tst_ready();
  TST_SPOIL tst_sys(ftruncate(fd, 10));
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    char *argv[] = {"script", NULL}, *envp[] = {NULL};
    fexecve(fd, argv, envp);
    _exit(1);
  }
  int status = tst_reap(pid);
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 37, "the script ends with 0x%x", status);
  return tst_pass();
}
