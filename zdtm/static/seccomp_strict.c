// zdtm: {"category": "seccomp", "verifies": "strict mode still holds: read and write go through, anything else kills"}
#include "filter.h"

int main(void) {
  tst_begin();
  int to[2], from[2];
  tst_sys(pipe(to));
  tst_sys(pipe(from));
  pid_t pid = tst_sys(fork());
  if (pid == 0) {
    char byte;
    tst_sys(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    write(from[1], "r", 1);
    for (;;) {
      if (read(to[0], &byte, 1) != 1) syscall(SYS_exit, 9);
      if (byte == 'k') syscall(SYS_getpid);
      write(from[1], &byte, 1);
    }
  }
  char byte = 0;
  tst_sys(read(from[0], &byte, 1));
  tst_until(tst_state(pid) == 'S', "the child does not sleep");
  tst_ready();
  tst_check(tst_status(pid, "Seccomp", 10) == 1, "the child's mode is %ld", tst_status(pid, "Seccomp", 10));
  tst_sys(write(to[1], "e", 1));
  tst_check(read(from[0], &byte, 1) == 1 && byte == 'e', "the child does not answer");
  TST_SPOIL tst_sys(kill(pid, SIGUSR1));
  tst_sys(write(to[1], "k", 1));
  int status = tst_reap(pid);
  tst_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended with status 0x%x", status);
  return tst_pass();
}
