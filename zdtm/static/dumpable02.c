// zdtm: {"category": "misc", "verifies": "a user's process that the kernel made undumpable, because it may not read its program, stays so"}
#include "tst.h"

int main(int argc, char **argv) {
  (void)argv;
  if (argc == 1) {
    size_t size;
    char *program = tst_slurp("/proc/self/exe", &size);
    int fd = tst_sys(open("unreadable", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    tst_sys(write(fd, program, size));
    close(fd);
    tst_sys(chmod("unreadable", 0111));
    tst_sys(setresgid(900, 900, 900));
    tst_sys(setresuid(900, 900, 900));
    char *again[] = {"unreadable", "again", NULL};
    tst_sys(execv("./unreadable", again));
  }
  tst_begin();
  int was = prctl(PR_GET_DUMPABLE);
  tst_check(was != 1, "the kernel lets this program be dumped");
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_DUMPABLE, 1));
  tst_check(prctl(PR_GET_DUMPABLE) == was, "dumpable is %d, was %d", prctl(PR_GET_DUMPABLE), was);
  tst_check(getuid() == 900, "the user is %d", getuid());
  return tst_pass();
}
